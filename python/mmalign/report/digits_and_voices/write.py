"""Writing the report of a study of digits and voices from what the study left on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from ...analysis.correlations import write_table
from ...analysis.digits_and_voices import answers, headline, points_table, statistics_table
from ...data.digits_and_voices import (
    BALANCES,
    DigitsAndVoices,
    build_digits_and_voices,
    load_digits_and_voices,
)
from ...errors import UserError
from ...files import atomic_path
from ...study.digits_and_voices import DigitsAndVoicesResults, load_digits_and_voices_results
from ..style import Panel
from . import content
from .examples import example_labels, example_panel
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
    examples, why_no_examples = _examples(results, data)
    correlations = correlation_panels(table)
    alignment = alignment_panels(table, points)
    performance, information = performance_panel(points), information_panel(names)
    scatters = scatter_panels(points)
    environment = Environment(
        loader=PackageLoader("mmalign.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("digits_and_voices.html").render(
        study=results.study,
        headline=headline(table),
        answers=answers(table),
        facts=content.facts(results),
        correlations=correlations,
        alignment=alignment,
        performance=[performance],
        information=[information],
        scatters=scatters,
        examples=[] if examples is None else [example_panel(examples)],
        example_rows=[] if examples is None else example_labels(examples, names),
        why_no_examples=why_no_examples,
        truth_rows=content.truth_rows(names),
        number_rows=content.number_rows(table),
    )
    panels = [*correlations, *alignment, performance, information, *scatters]
    if examples is not None:
        panels.append(example_panel(examples))
    return _write(results.directory, {"points": points, "statistics": table}, panels, page)


def _examples(
    results: DigitsAndVoicesResults, data: DigitsAndVoices | None
) -> tuple[DigitsAndVoices | None, str]:
    """The study's data, or None and why it is not at hand."""
    try:
        data = data or load_digits_and_voices(build_digits_and_voices())
    except (UserError, OSError) as error:
        return None, f"Examples are not shown, as the data is not at hand: {error}"
    first = results.study["balances"][0]
    if data.at(BALANCES[first["name"]]).fingerprint != first["fingerprint"]:
        return None, (
            "Examples are not shown, as the built-in data is not what the study was run on (their "
            "fingerprints differ)."
        )
    return data, ""


def _write(
    directory: Path, tables: dict[str, pd.DataFrame], panels: list[Panel], page: str
) -> Path:
    report = directory / "report.html"
    try:
        for name, table in tables.items():
            write_table(table, directory / f"{name}.parquet")
        for panel in panels:
            for suffix, drawing in (("png", panel.png), ("svg", panel.svg)):
                with atomic_path(directory / "figures" / f"{panel.name}.{suffix}") as temporary:
                    temporary.write_bytes(drawing)
        with atomic_path(report) as temporary:
            temporary.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"The report in {directory} cannot be written: {error.strerror or error}."
        ) from None
    return report
