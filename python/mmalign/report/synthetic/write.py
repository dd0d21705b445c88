"""Writing a synthetic study's report from its tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from ...analysis.correlations import write_table
from ...analysis.synthetic import (
    SyntheticResults,
    check_sentences,
    check_statistics,
    load_tables,
)
from ...errors import UserError
from ...files import atomic_path, write_json
from ..style import Panel
from . import content
from .corrected_page import corrected_page
from .figures_truth import truth_panels
from .paper_page import paper_page


def write_synthetic_report(directory: str | os.PathLike[str]) -> Path:
    """Write ``report.html``, ``figures/`` and ``statistics.parquet``, ``.json``; return the page.

    Everything comes from study.json and the three tables; nothing is trained or measured, and equal
    files give equal bytes. A study in which accuracy and alignment share their samples, as in
    arXiv 2502.16282, gets that paper's figures beside the published numbers; any other gets the
    corrected answers. Raises :class:`UserError` if the study is not finished or the directory
    cannot be written.
    """
    results = load_tables(directory)
    page = paper_page(results) if results.as_published else corrected_page(results)
    checks = check_statistics(results)
    truth = truth_panels(results.ground_truth)
    environment = Environment(
        loader=PackageLoader("mmalign.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(page.template).render(
        study=results.study,
        facts=content.facts(results),
        truth=truth,
        truth_sentence=content.truth_sentence(results.ground_truth),
        truth_rows=content.truth_rows(results.ground_truth),
        check_sentences=check_sentences(checks),
        check_rows=content.check_rows(checks),
        ceiling_rows=content.ceiling_rows(checks),
        **page.content,
    )
    statistics = pd.concat([page.statistics, checks], ignore_index=True)
    return _write(results, statistics, [*page.panels, *truth], text)


def _write(
    results: SyntheticResults, statistics: pd.DataFrame, panels: list[Panel], text: str
) -> Path:
    directory = results.directory
    report = directory / "report.html"
    try:
        write_table(statistics, directory / "statistics.parquet")
        write_json(directory / "statistics.json", _records(statistics))
        for panel in panels:
            for suffix, drawing in (("png", panel.png), ("svg", panel.svg)):
                with atomic_path(directory / "figures" / f"{panel.name}.{suffix}") as temporary:
                    temporary.write_bytes(drawing)
        with atomic_path(report) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"The report in {directory} cannot be written: {error.strerror or error}."
        ) from None
    return report


def _records(statistics: pd.DataFrame) -> list[dict[str, Any]]:
    """One object a row, without the columns that it does not have."""
    return [
        {name: value for name, value in row.items() if pd.notna(value) and value != ""}
        for row in statistics.astype(object).to_dict("records")
    ]
