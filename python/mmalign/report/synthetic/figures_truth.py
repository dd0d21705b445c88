"""What the data hold, exactly: the partial information decomposition and the ceilings."""

from __future__ import annotations

import pandas as pd

from ...analysis.synthetic.labels import task_name
from ..style import PANEL_INCHES, Panel, finish, house_style, light_grid, new_figure, view_color
from .marks import handle, headline, legend, whole_ticks

_PARTS = {
    "pid_redundancy": ("redundant", "#0072B2"),
    "pid_unique_1": ("unique to view 1", "#E69F00"),
    "pid_unique_2": ("unique to view 2", "#D55E00"),
    "pid_synergy": ("synergy", "#999999"),
}
_CEILINGS = {"bayes_1": "view 1", "bayes_2": "view 2", "bayes_joint": "both"}


def truth_panels(ground_truth: pd.DataFrame) -> list[Panel]:
    """Two panels a task: information about the label in its parts, and the ceilings."""
    panels = []
    for task, rows in ground_truth.groupby("task", sort=False):
        rows = rows.sort_values("uniqueness")
        panels += [_parts(str(task), rows), _ceilings(str(task), rows)]
    return panels


def _parts(task: str, rows: pd.DataFrame) -> Panel:
    with house_style():
        figure = new_figure(PANEL_INCHES)
        axes = figure.add_subplot()
        light_grid(axes)
        floor = 0
        for column, (label, color) in _PARTS.items():
            axes.bar(
                rows["uniqueness"], rows[column], bottom=floor, width=0.8, color=color, label=label
            )
            floor = floor + rows[column]
        whole_ticks(axes, rows["uniqueness"].to_numpy())
        axes.set(xlabel="U", ylabel="information about the label (nats)")
        headline(axes, f"Information: {task_name(task)}")
        handles = [handle(label, color=color, linewidth=5) for label, color in _PARTS.values()]
        legend(figure, handles, 2)
        alt = f"Redundant, unique and synergistic information for each U, {task_name(task)}."
        return finish(figure, f"information-{task}", alt)


def _ceilings(task: str, rows: pd.DataFrame) -> Panel:
    views = list(_CEILINGS.values())[:2]
    with house_style():
        figure = new_figure(PANEL_INCHES)
        axes = figure.add_subplot()
        light_grid(axes)
        handles = []
        for column, label in _CEILINGS.items():
            style = {"color": view_color(views, label), "marker": "o", "markersize": 4}
            axes.plot(rows["uniqueness"], 100 * rows[column], linewidth=1.4, **style)
            handles.append(handle(label, linewidth=1.4, **style))
        whole_ticks(axes, rows["uniqueness"].to_numpy())
        axes.set(xlabel="U", ylabel="best accuracy possible (%)")
        headline(axes, f"Ceilings: {task_name(task)}")
        legend(figure, handles, 3)
        alt = f"Best accuracy possible from each view and both, {task_name(task)}."
        return finish(figure, f"ceilings-{task}", alt)
