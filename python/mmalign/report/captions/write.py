"""Writing the report of a study of captions from its tables."""

from __future__ import annotations

import os
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...analysis.captions import caption_statistics, load_caption_results
from ...analysis.correlations import write_table
from ...errors import UserError
from ...files import atomic_path
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
    environment = Environment(
        loader=PackageLoader("mmalign.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("captions.html").render(
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
    report = results.directory / "report.html"
    try:
        write_table(table, results.directory / "statistics.parquet")
        for panel in (panel for panels in galleries.values() for panel in panels):
            for suffix, drawing in (("png", panel.png), ("svg", panel.svg)):
                path = results.directory / "figures" / f"{panel.name}.{suffix}"
                with atomic_path(path) as temporary:
                    temporary.write_bytes(drawing)
        with atomic_path(report) as temporary:
            temporary.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"The report in {results.directory} cannot be written: {error.strerror or error}."
        ) from None
    return report
