"""The page of a corrected study: the answers first, then a section a question."""

from __future__ import annotations

import pandas as pd

from ...analysis.synthetic import SyntheticResults, answers, corrected_statistics, looks
from ...analysis.synthetic.statistics import ALIGNMENT_TRANSFORM, ALIGNMENT_UNIQUENESS
from . import corrected_content
from .figures_corrected import (
    curve_panels,
    depth_panels,
    overall_panel,
    prediction_panels,
    slope_panels,
)
from .page import Page, Section


def corrected_page(results: SyntheticResults) -> Page:
    """Answers, small multiples with intervals, tables, and how many looks were taken."""
    table = corrected_statistics(results)
    sections = _sections(table) if len(table) else []
    counted = looks(table)
    metrics, prediction = corrected_content.prediction_rows(table)
    return Page(
        template="synthetic_corrected.html",
        content={
            "answers": answers(table),
            "sections": sections,
            "calibration_sentence": corrected_content.calibration_sentence(table),
            "looks_sentence": corrected_content.looks_sentence(counted),
            "looks_rows": corrected_content.looks_rows(counted),
            "overall_rows": corrected_content.overall_rows(table),
            "prediction_metrics": metrics,
            "prediction_rows": prediction,
        },
        panels=[panel for section in sections for panel in section.panels],
        statistics=table,
    )


def _sections(table: pd.DataFrame) -> list[Section]:
    return [
        Section(
            "Alignment and uniqueness",
            "The best alignment over depths at each U, averaged over transformations; the band is "
            "its 95% interval over seeds. Then its correlation with U: for each seed and "
            "transformation one, averaged.",
            [
                *curve_panels(table, ALIGNMENT_UNIQUENESS),
                overall_panel(table, ALIGNMENT_UNIQUENESS),
            ],
        ),
        Section(
            "Alignment and heterogeneity",
            "The same along the depth of the transformation, averaged over U.",
            [*curve_panels(table, ALIGNMENT_TRANSFORM), overall_panel(table, ALIGNMENT_TRANSFORM)],
        ),
        Section(
            "Alignment and performance",
            "Performance is accuracy over the best accuracy possible, on test samples that took no "
            "part in the alignment. For each U and transformation the encoders of view 2, over "
            "depths and seeds, are correlated; a mark is the mean over transformations. Below, the "
            "ranks of each depth are centred on their own mean, so that no trend with depth is "
            "left.",
            prediction_panels(table),
        ),
        Section(
            "Model size",
            "Depth in place of alignment, and alignment against depth.",
            depth_panels(table),
        ),
        Section(
            "Holding synergy fixed",
            "One regression on U and the depth of the transformation a seed; a mark is the mean of "
            "the slopes over seeds with Student’s interval, as a mixed model has it whose slopes "
            "vary from seed to seed.",
            slope_panels(table),
        ),
    ]
