"""What a finished study says: correlations with intervals, and a sentence."""

from __future__ import annotations

from .conclusion import Conclusion, conclude
from .correlations import correlations, write_correlations

__all__ = ["Conclusion", "conclude", "correlations", "write_correlations"]
