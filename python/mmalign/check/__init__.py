"""What a file or directory of data is, what it holds and what is wrong with it."""

from __future__ import annotations

from .recognise import check_data
from .report import ArraySummary, Problem, Report, SplitSummary

__all__ = ["ArraySummary", "Problem", "Report", "SplitSummary", "check_data"]
