"""What a study of digits and voices says: its points, its statistics, and answers."""

from __future__ import annotations

from .answers import Answer, answers, headline
from .points import points_table
from .statistics import statistics_table

__all__ = ["Answer", "answers", "headline", "points_table", "statistics_table"]
