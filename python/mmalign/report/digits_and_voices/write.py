"""Writing the report of a study of digits and voices from what the study left on disk."""

from __future__ import annotations

import os
from pathlib import Path

from ...analysis.digits_and_voices import answers, headline, points_table, statistics_table
from ...data.digits_and_voices import DigitsAndVoices
from ...study.digits_and_voices import load_digits_and_voices_results
from ..page import fill, write_page
from . import content
from .examples import example_labels, example_panel, examples_of
from .figures import (
    alignment_panels,
    correlation_panels,
    information_panel,
    performance_panel,
    scatter_panels,
)


def write_digits_and_voices_report(
    directory: str | os.PathLike[str], data: DigitsAndVoices | None = None
) -> Path:
    """Write ``report.html``, ``figures/``, ``points.parquet`` and ``statistics.parquet``.

    Returns the page. Everything comes from the study's files; nothing is trained, and equal files
    give equal bytes. data: what was studied, for the examples; by default the built-in data, made
    if the cache does not hold it. Without the study's own data the report says so.
    Raises UserError if the study is not finished or the directory cannot be written.
    """
    results = load_digits_and_voices_results(directory)
    names = list(results.balances)
    points = points_table(results)
    table = statistics_table(points)
    known, why_no_examples = examples_of(results, data)
    examples = [] if known is None else [example_panel(known)]
    correlations = correlation_panels(table)
    alignment = alignment_panels(table, points)
    performance, information = performance_panel(points), information_panel(names)
    scatters = scatter_panels(points)
    page = fill(
        "digits_and_voices.html",
        study=results.study,
        headline=headline(table),
        answers=answers(table),
        facts=content.facts(results),
        correlations=correlations,
        alignment=alignment,
        performance=[performance],
        information=[information],
        scatters=scatters,
        examples=examples,
        example_rows=[] if known is None else example_labels(known, names),
        why_no_examples=why_no_examples,
        truth_rows=content.truth_rows(names),
        number_rows=content.number_rows(table),
    )
    panels = [*correlations, *alignment, performance, information, *scatters, *examples]
    return write_page(
        results.directory / "report.html", page, panels, {"points": points, "statistics": table}
    )
