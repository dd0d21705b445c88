"""What single captions say, with intervals, along U."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ...analysis.captions import CaptionResults
from ...analysis.captions.statistics import OVERLAP_PERFORMANCE
from ...analysis.labels import file_slug
from ..style import (
    PANEL_INCHES,
    QUIET,
    Panel,
    drawn_name,
    finish,
    house_style,
    light_grid,
    new_figure,
)
from ..synthetic.marks import handle, headline, legend
from .answers import of_families
from .figures import U_AXIS

_SERIES = {
    "spearman": ("plain", "#56B4E9"),
    "spearman_given_length": ("given length", "#0072B2"),
    "beyond_means": ("beyond caption and model", "#D55E00"),
}


def overlap_panels(results: CaptionResults, table: pd.DataFrame) -> list[Panel]:
    """A panel a family: correlations of overlap and performance over captions, along U."""
    apart = 0.02 * max(np.ptp(results.levels), 1)
    panels = []
    for family in results.families:
        with house_style():
            figure = new_figure(PANEL_INCHES)
            axes = figure.add_subplot()
            _zero_in_the_middle(axes, table)
            for place, (statistic, (_, color)) in enumerate(_SERIES.items()):
                rows = of_families(table, OVERLAP_PERFORMANCE, statistic)
                rows = rows[rows["family"] == family]
                x = rows["level"].astype(float) + (place - 1) * apart
                axes.vlines(x, rows["low"], rows["high"], color=color, linewidth=1.2)
                axes.plot(x, rows["value"], "o", color=color, markersize=4)
            axes.set(xlabel=U_AXIS, ylabel="correlation over captions")
            headline(axes, drawn_name(family), "overlap of neighbours and performance")
            marks = [
                handle(label, linestyle="none", marker="o", color=color, markersize=4)
                for label, color in _SERIES.values()
            ]
            legend(figure, marks, 3)
            alt = f"Correlations of overlap with {family} and performance over captions, by U."
            panels.append(finish(figure, f"captions-{file_slug(family)}", alt))
    return panels


def _zero_in_the_middle(axes: Axes, table: pd.DataFrame) -> None:
    """The same limits in every panel, so that families can be compared."""
    rows = table[table["question"] == OVERLAP_PERFORMANCE][["value", "low", "high"]]
    limit = max(0.1, 1.1 * np.nanmax(np.abs(rows.to_numpy(float)), initial=0))
    light_grid(axes)
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.set_ylim(-limit, limit)
