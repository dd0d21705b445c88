"""The report of a synthetic study: the paper's figures redrawn, or the corrected answers."""

from __future__ import annotations

from .write import write_synthetic_report

__all__ = ["write_synthetic_report"]
