"""Figures 6, 7 and 9: heat maps, boxes of correlations, and the deepest encoders."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from ...analysis.labels import decimal, metric_slug
from ...analysis.synthetic import published
from ...analysis.synthetic.labels import metric_name
from ...analysis.synthetic.paper import boxes, heat_map
from ...analysis.synthetic.statistics import (
    ALIGNMENT_DEPTH,
    ALIGNMENT_PERFORMANCE,
    PERFORMANCE_DEPTH,
)
from ...analysis.synthetic.tables import Grid
from ..style import (
    COLORMAP,
    INK,
    PANEL_INCHES,
    Panel,
    finish,
    house_style,
    light_grid,
    new_figure,
)
from .marks import (
    D_PHI,
    OURS,
    correlation_axis,
    handle,
    headline,
    hollow,
    legend,
    level,
    published_handle,
    whole_ticks,
)

BOX_NAMES = {
    ALIGNMENT_PERFORMANCE: "Alignment with performance",
    PERFORMANCE_DEPTH: "Performance with depth",
    ALIGNMENT_DEPTH: "Alignment with depth",
}
_SHOWN_UNIQUENESS = (0, 2, 4, 6, 8)


def shown_uniqueness(grid: Grid) -> list[int]:
    """The U that the paper shows, as far as the study has them; else all of the study's."""
    shown = [one for one in _SHOWN_UNIQUENESS if one in grid.uniqueness]
    return shown or [int(one) for one in grid.uniqueness]


def heat_map_panels(grid: Grid) -> list[Panel]:
    """Figure 6, a panel a U: mean alignment over seeds by depth and D_phi."""
    name = metric_name(grid.metric, grid.options)
    panels = []
    for one in shown_uniqueness(grid):
        values = heat_map(grid, list(grid.uniqueness).index(one))
        top = np.nanmax(values, initial=0)
        with house_style():
            figure = new_figure(PANEL_INCHES)
            axes = figure.add_subplot()
            image = axes.imshow(
                values,
                origin="lower",
                aspect="auto",
                cmap=COLORMAP,
                vmin=min(0, np.nanmin(values, initial=0)),
                vmax=max(top, 1e-6),
            )
            axes.set_xticks(range(len(grid.transform_depths)), grid.transform_depths)
            axes.set_yticks(range(len(grid.depths)), grid.depths)
            axes.tick_params(length=0)
            for spine in axes.spines.values():
                spine.set_visible(False)
            axes.set(xlabel=D_PHI, ylabel="depth of view 2’s encoder")
            bar = figure.colorbar(image, ax=axes, aspect=25, pad=0.03)
            bar.outline.set_visible(False)
            told = published.HEAT_MAP_TOPS.get(one)
            text = f"highest {decimal(top, 2 if top >= 0.1 else 3)}"
            if told is not None:
                text += f", published {decimal(told, 2 if told >= 0.1 else 3)}"
            headline(axes, level("U", one), text)
            alt = f"{name} by depth and D_phi at U = {one}, mean over seeds."
            panels.append(finish(figure, f"figure-6-unique-{one}", alt))
    return panels


def box_panels(grid: Grid, table: pd.DataFrame) -> list[Panel]:
    """Figure 7: three panels of Spearman's correlations, a box a U, medians over published ones."""
    name = metric_name(grid.metric, grid.options)
    panels = []
    for question, title in BOX_NAMES.items():
        found = boxes(grid, question, "spearman")
        rows = table[
            (table["question"] == question)
            & (table["metric"] == grid.metric)
            & (table["options"] == grid.options)
            & (table["task"] == grid.task)
            & (table["statistic"] == "median_spearman")
        ]
        with house_style():
            figure = new_figure(PANEL_INCHES)
            axes = figure.add_subplot()
            correlation_axis(axes)
            axes.boxplot(
                [one[np.isfinite(one)] for one in found],
                positions=grid.uniqueness,
                widths=0.55,
                manage_ticks=False,
                boxprops={"color": OURS},
                whiskerprops={"color": OURS},
                capprops={"color": OURS},
                medianprops={"color": OURS, "linewidth": 2.4},
                flierprops={"marker": ".", "markersize": 3, "markeredgecolor": OURS},
            )
            told = rows[rows["published"].notna()]
            axes.plot(told["uniqueness"], told["published"], **hollow(INK, 7))
            whole_ticks(axes, grid.uniqueness)
            axes.set(xlabel="U", ylabel="Spearman correlation")
            headline(axes, title, "" if question == PERFORMANCE_DEPTH else name)
            handles = [handle("median, this study", color=OURS, linewidth=2.4), published_handle()]
            legend(figure, handles, 2)
            slug = metric_slug(grid.metric, grid.options)
            alt = f"{title} ({name}), Spearman's correlations for each U."
            panels.append(finish(figure, f"figure-7-{question.replace('_', '-')}-{slug}", alt))
    return panels


def deepest_panels(grid: Grid) -> list[Panel]:
    """Figure 9, a panel a U: the deepest encoders of view 2, coloured by D_phi."""
    name = metric_name(grid.metric, grid.options)
    panels = []
    for one in shown_uniqueness(grid):
        place = list(grid.uniqueness).index(one)
        x = grid.accuracy[:, place, :, -1].ravel()
        y = grid.alignment[:, place, :, -1].ravel()
        color = np.tile(grid.transform_depths, len(grid.seeds))
        told = published.DEEPEST_RANGES.get(one)
        with house_style():
            figure = new_figure(PANEL_INCHES)
            axes = figure.add_subplot()
            light_grid(axes)
            dots = axes.scatter(
                x * 100, y, c=color, cmap=COLORMAP, s=14, edgecolors=INK, linewidths=0.3
            )
            if told is not None:
                (left, right), (low, high) = told
                frame = Rectangle(
                    (100 * left, low),
                    100 * (right - left),
                    high - low,
                    fill=False,
                    color=INK,
                    linewidth=1.2,
                )
                axes.add_patch(frame)
                axes.autoscale_view()
            axes.margins(0.08)
            bar = figure.colorbar(dots, ax=axes, aspect=25, pad=0.03)
            bar.outline.set_visible(False)
            bar.set_label(D_PHI)
            axes.set(xlabel="test accuracy (%)", ylabel=name)
            headline(axes, level("U", one))
            alt = f"{name} against accuracy of the deepest encoders at U = {one}."
            panels.append(finish(figure, f"figure-9-unique-{one}", alt))
    return panels
