"""The page of a study run as published: the paper's figures, ours over the published values."""

from __future__ import annotations

import pandas as pd

from ...analysis.synthetic import SyntheticResults, paper_statistics
from ...analysis.synthetic.paper import artefact_change
from ...analysis.synthetic.published import LINEAR_CKA, published_metric
from ...analysis.synthetic.statistics import ALIGNMENT_TRANSFORM, ALIGNMENT_UNIQUENESS
from ...analysis.synthetic.tables import Grid, grids
from . import paper_content
from .figures_cells import box_panels, deepest_panels, heat_map_panels
from .figures_maxima import trend_panel, uniqueness_panels
from .page import Page, Section


def paper_page(results: SyntheticResults) -> Page:
    """Figures 4, 6, 7, 9, 10, 11 and 13 and the tables of their numbers."""
    table = paper_statistics(results)
    every = list(grids(results))
    shallow = [grid for grid in every if grid.depth_1 == 1]
    main = next((grid for grid in shallow if _is_linear(grid)), shallow[0] if shallow else None)
    sections = [] if main is None else _sections(table, every, shallow, main)
    change = artefact_change(table)
    return Page(
        template="synthetic_paper.html",
        content={
            "headline": paper_content.paper_headline(table),
            "artefact": paper_content.artefact_note(results, table, change),
            "sections": sections,
            "correlation_rows": paper_content.correlation_rows(table),
            "transform_rows": paper_content.transform_rows(table),
            "median_rows": paper_content.median_rows(table),
        },
        panels=[panel for section in sections for panel in section.panels],
        statistics=table,
    )


def _is_linear(grid: Grid) -> bool:
    return published_metric(grid.metric, grid.options) == LINEAR_CKA


def _sections(
    table: pd.DataFrame, every: list[Grid], shallow: list[Grid], main: Grid
) -> list[Section]:
    others = [grid for grid in shallow if grid is not main]
    deeper = [
        grid
        for grid in every
        if grid.depth_1 > 1 and (grid.metric, grid.options) == (main.metric, main.options)
    ]
    correlations = table[table["statistic"] == "spearman"]
    sections = [
        Section(
            "Figure 4. Alignment and uniqueness",
            "Every dot is one pair of encoders; view 1’s has depth 1. The highest over depths and "
            "seeds is what is correlated with U. Open circles are the published highest.",
            uniqueness_panels(main, table),
            _difference(table, "4", "maximum", "Highest alignment")
            + " "
            + _difference(correlations, "4", "spearman", "Spearman"),
        ),
        Section(
            "Figure 6. Alignment by depth and heterogeneity",
            "Mean over seeds. Each panel has its own colours.",
            heat_map_panels(main),
            _difference(table, "6", "highest_mean_alignment", "Highest cell"),
        ),
        Section(
            "Figure 7. Alignment, performance and depth",
            "Each box holds the correlations of one U: a value for each transformation, for "
            "alignment with depth also for each seed. Its whiskers end at the last value within "
            "one and a half times the height of the box. Open circles are the published medians.",
            box_panels(main, table),
            _difference(table, "7", "median_spearman", "Medians"),
        ),
        Section(
            "Figure 9. The deepest encoders",
            "One dot a transformation and seed. The frame is where the published dots lie.",
            deepest_panels(main),
            _ranges(table),
        ),
        Section(
            "Figure 10. Other metrics",
            "Highest alignment against U, and below it its correlation with U. Open circles are "
            "published.",
            [trend_panel(grid, table, ALIGNMENT_UNIQUENESS, "10") for grid in others],
            _difference(correlations, "10", "spearman", "Spearman"),
        ),
        Section(
            "Figure 11. Alignment and heterogeneity",
            "Highest alignment against the depth of the transformation, and below it their "
            "correlation. Open circles are published.",
            [trend_panel(grid, table, ALIGNMENT_TRANSFORM, "11") for grid in shallow],
            _difference(correlations, "11", "spearman", "Spearman"),
        ),
        Section(
            "Figure 13. Deeper encoders of view 1",
            "As figure 10, with view 1’s encoder of depth 2 and 3. Open circles are published.",
            [trend_panel(grid, table, ALIGNMENT_UNIQUENESS, "13") for grid in deeper],
            _difference(correlations, "13", "spearman", "Spearman"),
        ),
    ]
    return [section for section in sections if section.panels]


def _difference(table: pd.DataFrame, figure: str, statistic: str, what: str) -> str:
    rows = table[(table["figure"] == figure) & (table["statistic"] == statistic)]
    return paper_content.difference_line(rows, what)


def _ranges(table: pd.DataFrame) -> str:
    rows = table[table["figure"] == "9"]
    return " ".join(
        paper_content.difference_line(rows[rows["statistic"] == statistic], what)
        for statistic, what in (
            ("highest_accuracy", "Highest accuracy"),
            ("highest_alignment", "Highest alignment"),
        )
    )
