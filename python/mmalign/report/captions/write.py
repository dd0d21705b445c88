"""Writing the report of a study of captions from its tables."""

from __future__ import annotations

import os
from pathlib import Path

from ...analysis.captions import caption_statistics, load_caption_results
from ..page import fill, write_page
from . import answers, content
from .figures import confound_panels, performance_panels, uniqueness_panels
from .figures_per_caption import overlap_panels


def write_caption_report(directory: str | os.PathLike[str]) -> Path:
    """Write ``report.html``, ``figures/`` and ``statistics.parquet``; return the page.

    Everything comes from study.json and the two tables; nothing is measured, and equal files give
    equal bytes. Raises :class:`UserError` if the study is not finished or the directory cannot be
    written.
    """
    results = load_caption_results(directory)
    table = caption_statistics(results)
    galleries = {
        "uniqueness": uniqueness_panels(results, table),
        "confound": confound_panels(results),
        "performance": performance_panels(results),
        "overlap": overlap_panels(results, table),
    }
    page = fill(
        "captions.html",
        study=results.study,
        headline=answers.headline(table),
        notes=answers.notes(results, table),
        facts=content.facts(results),
        galleries=galleries,
        uniqueness_rows=content.uniqueness_rows(table),
        performance_rows=content.performance_rows(results, table),
        pooled_rows=content.pooled_rows(table),
        overlap_rows=content.overlap_rows(results, table),
        level_rows=content.level_rows(results),
        published=results.as_published,
    )
    return write_page(
        results.directory / "report.html",
        page,
        [panel for panels in galleries.values() for panel in panels],
        {"statistics": table},
        drawings=True,
    )
