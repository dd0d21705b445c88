"""The pages of measurements: many models, and growing galleries."""

from __future__ import annotations

from .galleries import write_gallery_report
from .pairs import write_measure_report

__all__ = ["write_gallery_report", "write_measure_report"]
