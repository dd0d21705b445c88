"""The report of a study of digits and voices."""

from __future__ import annotations

from .write import write_digits_and_voices_report

__all__ = ["write_digits_and_voices_report"]
