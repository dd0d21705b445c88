"""Figures 4, 10, 11 and 13: the highest alignment against U and against D_phi."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ...analysis.labels import decimal, metric_slug
from ...analysis.synthetic import published
from ...analysis.synthetic.labels import metric_name
from ...analysis.synthetic.paper import maxima
from ...analysis.synthetic.statistics import ALIGNMENT_UNIQUENESS
from ...analysis.synthetic.tables import Grid
from ..style import PANEL_INCHES, QUIET, Panel, finish, house_style, light_grid, new_figure
from .figures_cells import shown_uniqueness
from .marks import (
    D_PHI,
    OURS,
    TRANSFORM_AXIS,
    UNIQUENESS_AXIS,
    correlation_axis,
    handle,
    headline,
    hollow,
    legend,
    level,
    level_color,
    ours_handle,
    published_handle,
    whole_ticks,
)


def shown_transform_depths(grid: Grid) -> list[int]:
    """The D_phi that the paper shows, as far as the study has them; else all of the study's."""
    shown = [
        depth for depth in published.CORRELATION_TRANSFORM_DEPTHS if depth in grid.transform_depths
    ]
    return shown or [int(depth) for depth in grid.transform_depths]


def uniqueness_panels(grid: Grid, table: pd.DataFrame) -> list[Panel]:
    """Figure 4, a panel a D_phi: every run, the highest for each U, and the published ones."""
    rows = _of(table, grid, ALIGNMENT_UNIQUENESS)
    return [_runs(grid, rows, depth) for depth in shown_transform_depths(grid)]


def _runs(grid: Grid, rows: pd.DataFrame, depth: int) -> Panel:
    place = list(grid.transform_depths).index(depth)
    own = rows[rows["transform_depth"] == depth]
    highest = own[own["statistic"] == "maximum"]
    name = metric_name(grid.metric, grid.options)
    with house_style():
        figure = new_figure(PANEL_INCHES)
        axes = figure.add_subplot()
        light_grid(axes)
        runs = np.moveaxis(grid.alignment[:, :, place], 1, 0).reshape(len(grid.uniqueness), -1)
        x = np.repeat(grid.uniqueness, runs.shape[1])
        axes.plot(x, runs.ravel(), ".", color=OURS, alpha=0.22, markersize=4, markeredgewidth=0)
        axes.plot(highest["uniqueness"], highest["value"], "o", color=OURS, markersize=5)
        told = highest[highest["published"].notna()]
        axes.plot(told["uniqueness"], told["published"], **hollow())
        handles = [ours_handle("highest"), published_handle()]
        if len(told) and published.ARTEFACT_UNIQUENESS in grid.uniqueness:
            cross = {"linestyle": "none", "marker": "x", "color": QUIET, "markersize": 6}
            axes.plot([published.ARTEFACT_UNIQUENESS], [0], clip_on=False, **cross)
            handles.append(handle("artefact", **cross))
        axes.set_ylim(min(0, 1.1 * np.nanmin(runs, initial=0)), 1.0)
        whole_ticks(axes, grid.uniqueness)
        axes.set(xlabel="U", ylabel=name)
        headline(axes, level(D_PHI, depth), _rho_line(own))
        legend(figure, handles, 3)
        alt = f"{name} against U at D_phi = {depth}: every run, the highest, the published ones."
        return finish(figure, f"figure-4-transform-{depth}", alt)


def _rho_line(own: pd.DataFrame) -> str:
    row = own[own["statistic"] == "spearman"].iloc[0]
    text = f"Spearman {decimal(row['value'])}"
    return text if pd.isna(row["published"]) else f"{text}, published {decimal(row['published'])}"


def trend_panel(grid: Grid, table: pd.DataFrame, question: str, figure_number: str) -> Panel:
    """The highest alignment, a line a level, over Spearman's correlations and the published ones.

    For ``alignment_uniqueness`` alignment runs against U with a line for each D_phi (figures 10
    and 13), for ``alignment_transform`` against D_phi with a line for each U (figure 11).
    """
    against_uniqueness = question == ALIGNMENT_UNIQUENESS
    rows = _of(table, grid, question)
    best = maxima(grid) if against_uniqueness else maxima(grid).T
    along = grid.uniqueness if against_uniqueness else grid.transform_depths
    across = grid.transform_depths if against_uniqueness else grid.uniqueness
    shown = shown_transform_depths(grid) if against_uniqueness else shown_uniqueness(grid)
    name = metric_name(grid.metric, grid.options)
    with house_style():
        figure = new_figure((PANEL_INCHES[0], 4.6))
        top, bottom = figure.subplots(2, 1, height_ratios=[3, 2])
        light_grid(top)
        handles = []
        for one in shown:
            color = level_color(np.array(shown), one)
            top.plot(
                along,
                best[:, list(across).index(one)],
                "o-",
                color=color,
                markersize=3.5,
                linewidth=1.2,
            )
            label = level(D_PHI if against_uniqueness else "U", one)
            handles.append(handle(label, color=color, linewidth=2))
            if against_uniqueness:
                told = rows[
                    (rows["statistic"] == "maximum")
                    & (rows["transform_depth"] == one)
                    & rows["published"].notna()
                ]
                top.plot(told["uniqueness"], told["published"], **hollow(color))
        if np.isfinite(grid.chance) and grid.chance > 0:
            top.axhline(grid.chance, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
            handles.append(handle("chance", color=QUIET, linewidth=1, linestyle=(0, (2, 1.5))))
        top.set_ylim(min(0, np.nanmin(best, initial=0)), 1.0)
        whole_ticks(top, along)
        top.set(
            ylabel="highest alignment",
            xlabel=UNIQUENESS_AXIS if against_uniqueness else TRANSFORM_AXIS,
        )
        title = name if grid.depth_1 == 1 else f"{name}, view 1 of depth {grid.depth_1}"
        headline(top, title)
        _correlations(bottom, rows, across, against_uniqueness)
        handles += [ours_handle(), published_handle()]
        legend(figure, handles, 4)
        slug = metric_slug(grid.metric, grid.options)
        file = f"figure-{figure_number}-{slug}-depth-{grid.depth_1}"
        alt = f"Highest {name}, and Spearman's correlations beside the published ones."
        return finish(figure, file, alt)


def _correlations(
    axes: Axes, rows: pd.DataFrame, across: np.ndarray, against_uniqueness: bool
) -> None:
    correlation_axis(axes)
    level_name = "transform_depth" if against_uniqueness else "uniqueness"
    own = rows[rows["statistic"] == "spearman"]
    axes.plot(own[level_name], own["value"], "o", color=OURS, markersize=5)
    told = own[own["published"].notna()]
    axes.plot(told[level_name], told["published"], **hollow())
    whole_ticks(axes, across)
    axes.set(
        xlabel=D_PHI if against_uniqueness else "U",
        ylabel=f"Spearman with {'U' if against_uniqueness else D_PHI}",
    )


def _of(table: pd.DataFrame, grid: Grid, question: str) -> pd.DataFrame:
    return table[
        (table["question"] == question)
        & (table["task"] == grid.task)
        & (table["metric"] == grid.metric)
        & (table["options"] == grid.options)
        & (table["depth_1"] == grid.depth_1)
    ]
