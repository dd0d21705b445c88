"""The page of a corrected study: the answers first, then a section a question."""

from __future__ import annotations

from ...analysis.synthetic import SyntheticResults, answers, corrected_statistics, looks
from .page import Page


def corrected_page(results: SyntheticResults) -> Page:
    """Answers, small multiples with intervals, and how many looks were taken."""
    table = corrected_statistics(results)
    return Page(
        template="synthetic_corrected.html",
        content={"answers": answers(table), "looks": looks(table), "sections": []},
        panels=[],
        statistics=table,
    )
