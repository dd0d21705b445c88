"""What the data hold, exactly: the partial information decomposition and the ceilings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...analysis.labels import file_slug
from ...analysis.synthetic.labels import task_name
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
from .marks import handle, headline, legend, whole_ticks

_PARTS = {
    "pid_redundancy": ("redundant", "#0072B2"),
    "pid_unique_1": ("unique to view 1", "#E69F00"),
    "pid_unique_2": ("unique to view 2", "#D55E00"),
    "pid_synergy": ("synergy", "#999999"),
}
_DASHES = ("-", (0, (4, 2)))
_CEILINGS = {"bayes_1": "view 1", "bayes_2": "view 2", "bayes_joint": "both"}


def truth_panels(ground_truth: pd.DataFrame) -> list[Panel]:
    """A panel a task: information about the label in its parts; then the ceilings of all."""
    tasks = {
        str(task): rows.sort_values("uniqueness")
        for task, rows in ground_truth.groupby("task", sort=False)
    }
    return [*(_parts(task, rows) for task, rows in tasks.items()), _ceilings(tasks)]


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
        return finish(figure, f"information-{file_slug(task)}", alt)


def _ceilings(tasks: dict[str, pd.DataFrame]) -> Panel:
    views = list(_CEILINGS.values())[:2]
    with house_style():
        figure = new_figure(PANEL_INCHES)
        axes = figure.add_subplot()
        light_grid(axes)
        dashes = dict(zip(tasks, _DASHES, strict=False))
        for task, rows in tasks.items():
            for column, label in _CEILINGS.items():
                axes.plot(
                    rows["uniqueness"],
                    100 * rows[column],
                    linestyle=dashes[task],
                    color=view_color(views, label),
                    marker="o",
                    markersize=4,
                    linewidth=1.4,
                )
        levels = sorted({level for rows in tasks.values() for level in rows["uniqueness"]})
        whole_ticks(axes, np.array(levels))
        axes.set(xlabel="U", ylabel="best accuracy possible (%)")
        headline(axes, "Ceilings")
        handles = [
            handle(label, color=view_color(views, label), linewidth=1.4, marker="o", markersize=4)
            for label in _CEILINGS.values()
        ]
        if len(tasks) > 1:
            handles += [
                handle(task_name(task), color=QUIET, linewidth=1.4, linestyle=dashes[task])
                for task in tasks
            ]
        legend(figure, handles, 3)
        alt = "Best accuracy possible from each view and both, for each U and task."
        return finish(figure, "ceilings", alt)
