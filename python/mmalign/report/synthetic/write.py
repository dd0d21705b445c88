"""Writing a synthetic study's report from its tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from ...analysis.synthetic import (
    check_sentences,
    check_statistics,
    load_tables,
)
from ..page import fill, write_page
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
    text = fill(
        page.template,
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
    return write_page(
        results.directory / "report.html",
        text,
        [*page.panels, *truth],
        {"statistics": statistics},
        documents={"statistics": _records(statistics)},
        drawings=True,
    )


def _records(statistics: pd.DataFrame) -> list[dict[str, Any]]:
    """One object a row, without the columns that it does not have."""
    return [
        {name: value for name, value in row.items() if pd.notna(value) and value != ""}
        for row in statistics.astype(object).to_dict("records")
    ]
