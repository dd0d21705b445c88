"""The corrected study's figures: curves and correlations with 95 percent intervals over seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ...analysis.labels import metric_slug
from ...analysis.synthetic.emergence import SLOPE_DIFFERENCE
from ...analysis.synthetic.labels import metric_name, task_name
from ...analysis.synthetic.prediction import GIVEN_DEPTH
from ...analysis.synthetic.statistics import (
    ALIGNMENT_DEPTH,
    ALIGNMENT_PERFORMANCE,
    ALIGNMENT_UNIQUENESS,
    PERFORMANCE_DEPTH,
)
from ..style import (
    PANEL_INCHES,
    QUIET,
    Panel,
    finish,
    house_style,
    light_grid,
    new_figure,
    view_color,
)
from .marks import D_PHI, correlation_axis, handle, headline, legend, whole_ticks

# Two series of one panel stand this far apart, in units of the axis.
_APART = 0.22
_AXES = {"uniqueness": "U", "transform_depth": D_PHI}


def curve_panels(table: pd.DataFrame, question: str) -> list[Panel]:
    """A panel a metric: mean best alignment and its interval along U or D_phi, a line a task."""
    along = "uniqueness" if question == ALIGNMENT_UNIQUENESS else "transform_depth"
    rows = _shallow(table[(table["question"] == question) & (table["statistic"] == "mean")])
    panels = []
    for (metric, options), own in rows.groupby(["metric", "options"], sort=False):
        tasks = _tasks(table)
        with house_style():
            figure = new_figure(PANEL_INCHES)
            axes = figure.add_subplot()
            light_grid(axes)
            for task, found in own.groupby("task", sort=False):
                _series(axes, found, along, view_color(tasks, task), 0.0, line=True)
            axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
            whole_ticks(axes, np.sort(own[along].unique()))
            axes.set(xlabel=_AXES[along], ylabel=f"alignment, {own['score_is'].iloc[0]}")
            headline(axes, metric_name(metric, options))
            legend(figure, _task_handles(tasks), 2)
            alt = f"{metric_name(metric, options)} along {along}, with intervals over seeds."
            slug = metric_slug(metric, options)
            panels.append(finish(figure, f"{question.replace('_', '-')}-{slug}", alt))
    return panels


def overall_panel(table: pd.DataFrame, question: str) -> Panel:
    """Spearman's correlation of best alignment with U or D_phi: a line a metric, a mark a task."""
    rows = _overall(table, question, "spearman")
    what = "U" if question == ALIGNMENT_UNIQUENESS else D_PHI
    return _forest(
        rows,
        _tasks(table),
        f"overall-{question.replace('_', '-')}",
        "All metrics",
        f"Spearman with {what}, 95% interval",
        correlation=True,
    )


def slope_panels(table: pd.DataFrame) -> list[Panel]:
    """Slopes of alignment on U by metric and task, and how far they differ between tasks."""
    tasks = _tasks(table)
    slopes = _overall(table, ALIGNMENT_UNIQUENESS, "slope")
    panels = [
        _forest(
            slopes,
            tasks,
            "slopes",
            "How steeply alignment falls",
            "slope on U, 95% interval",
        )
    ]
    differences = _overall(table, ALIGNMENT_UNIQUENESS, SLOPE_DIFFERENCE)
    if len(differences):
        title = "Slope with synergy at zero, less the other"
        panels.append(
            _forest(differences, tasks, "slope-differences", title, "difference, 95% interval")
        )
    return panels


def prediction_panels(table: pd.DataFrame) -> list[Panel]:
    """A panel a metric: alignment with performance at each U, as measured and given depth."""
    rows = table[(table["question"] == ALIGNMENT_PERFORMANCE) & table["transform_depth"].isna()]
    tasks = _tasks(table)
    panels = []
    for (metric, options), own in rows.groupby(["metric", "options"], sort=False):
        name = metric_name(metric, options)
        with house_style():
            figure = new_figure((PANEL_INCHES[0], 4.8))
            both = figure.subplots(2, 1, sharex=True)
            for axes, statistic, label in zip(
                both, ("spearman", GIVEN_DEPTH), ("as measured", "given depth"), strict=True
            ):
                _by_uniqueness(axes, own[own["statistic"] == statistic], tasks)
                axes.set_ylabel(f"Spearman, {label}")
            headline(both[0], name)
            both[1].set_xlabel("U")
            legend(figure, _task_handles(tasks), 2)
            alt = f"Correlation of {name} with performance at each U, with intervals over seeds."
            slug = metric_slug(metric, options)
            panels.append(finish(figure, f"alignment-performance-{slug}", alt))
    return panels


def depth_panels(table: pd.DataFrame) -> list[Panel]:
    """Performance with depth at each U, then alignment with depth, a panel a metric."""
    tasks = _tasks(table)
    chosen = table[table["transform_depth"].isna() & (table["statistic"] == "spearman")]
    size = chosen[chosen["question"] == PERFORMANCE_DEPTH]
    panels = [_depth_panel(size, tasks, "Performance with depth", "performance-depth")]
    alignment = chosen[chosen["question"] == ALIGNMENT_DEPTH]
    for (metric, options), own in alignment.groupby(["metric", "options"], sort=False):
        title = f"{metric_name(metric, options)} with depth"
        panels.append(
            _depth_panel(own, tasks, title, f"alignment-depth-{metric_slug(metric, options)}")
        )
    return panels


def _depth_panel(rows: pd.DataFrame, tasks: list[str], title: str, file: str) -> Panel:
    with house_style():
        figure = new_figure(PANEL_INCHES)
        axes = figure.add_subplot()
        _by_uniqueness(axes, rows, tasks)
        axes.set(xlabel="U", ylabel="Spearman")
        headline(axes, title)
        legend(figure, _task_handles(tasks), 2)
        alt = f"{title}: Spearman's correlation at each U, with intervals over seeds."
        return finish(figure, file, alt)


def _by_uniqueness(axes: Axes, rows: pd.DataFrame, tasks: list[str]) -> None:
    correlation_axis(axes)
    for task, own in rows.groupby("task", sort=False):
        offset = (tasks.index(task) - (len(tasks) - 1) / 2) * _APART
        _series(axes, own, "uniqueness", view_color(tasks, task), offset, line=False)
    whole_ticks(axes, np.sort(rows["uniqueness"].unique()))


def _series(
    axes: Axes, rows: pd.DataFrame, along: str, color: str, offset: float, *, line: bool
) -> None:
    rows = rows.sort_values(along)
    x = rows[along].to_numpy(float) + offset
    value, low, high = (rows[name].to_numpy(float) for name in ("value", "low", "high"))
    if line:
        axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
        axes.plot(x, value, "o-", color=color, linewidth=1.4, markersize=4)
        return
    axes.vlines(x, low, high, color=color, linewidth=1.6)
    axes.plot(x, value, "o", color=color, markersize=4.5)


def _forest(
    rows: pd.DataFrame,
    tasks: list[str],
    file: str,
    title: str,
    label: str,
    *,
    correlation: bool = False,
) -> Panel:
    groups = list(rows.groupby(["metric", "options"], sort=False))
    with house_style():
        figure = new_figure((PANEL_INCHES[0], 1.4 + 0.4 * len(groups)))
        axes = figure.add_subplot()
        axes.axvline(0, color=QUIET, linewidth=0.8)
        for height, (_, own) in enumerate(groups):
            for task, found in own.groupby("task", sort=False):
                row = found.iloc[0]
                place = height + (tasks.index(task) - (len(tasks) - 1) / 2) * 0.3
                color = view_color(tasks, task)
                axes.hlines(place, row["low"], row["high"], color=color, linewidth=2)
                axes.plot(row["value"], place, "o", color=color, markersize=5)
        axes.set_yticks(range(len(groups)), [metric_name(*key) for key, _ in groups])
        axes.set_ylim(max(len(groups), 1) - 0.5, -0.5)
        if correlation:
            axes.set_xlim(-1.05, 1.05)
            axes.set_xticks([-1, -0.5, 0, 0.5, 1])
        else:
            axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(label)
        figure.suptitle(title, fontsize=9.5, fontweight="bold", x=0.01, ha="left")
        legend(figure, _task_handles(tasks, set(rows["task"])), 2)
        return finish(figure, file, f"{title}: {label}, by metric and task.")


def _task_handles(tasks: list[str], shown: set[str] | None = None) -> list[Line2D]:
    return [
        handle(task_name(task), color=view_color(tasks, task), marker="o", markersize=4.5)
        for task in tasks
        if shown is None or task in shown
    ]


def _tasks(table: pd.DataFrame) -> list[str]:
    return [str(task) for task in pd.unique(table["task"].dropna())]


def _shallow(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["depth_1"] == rows["depth_1"].min()]


def _overall(table: pd.DataFrame, question: str, statistic: str) -> pd.DataFrame:
    return _shallow(
        table[
            (table["question"] == question)
            & (table["statistic"] == statistic)
            & table["uniqueness"].isna()
            & table["transform_depth"].isna()
        ]
    )
