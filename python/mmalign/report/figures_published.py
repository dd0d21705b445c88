"""Correlations found here and their intervals, with the published ones marked beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from .style import (
    INK,
    MARK,
    PANEL_INCHES,
    QUIET,
    Panel,
    drawn_name,
    finish,
    house_style,
    new_figure,
    view_color,
)


def published_intervals(table: pd.DataFrame, views: list[str]) -> list[Panel]:
    """A panel for each version of the published table, as :func:`table_1` gives it."""
    return [_draw(version, rows, views) for version, rows in table.groupby("version", sort=False)]


def _draw(version: str, rows: pd.DataFrame, views: list[str]) -> Panel:
    statistic = rows["statistic"].iloc[0].capitalize()
    with house_style():
        figure = new_figure((PANEL_INCHES[0], 1.5 + 0.4 * len(rows)))
        axes = figure.add_subplot()
        axes.axvline(0, color=QUIET, linewidth=0.8)
        names = []
        for height, (_, row) in enumerate(rows.iterrows()):
            color = view_color(views, row["varied_view"])
            if np.isfinite([row["low"], row["high"]]).all():
                axes.plot([row["low"], row["high"]], [height, height], color=color, linewidth=2)
            axes.plot(row["value"], height, "o", color=color, markersize=5)
            axes.plot(row["published"], height, "D", color=MARK, markersize=5, fillstyle="none")
            other = row["view_b"] if row["varied_view"] == row["view_a"] else row["view_a"]
            names.append(f"{drawn_name(row['varied_view'])} encoders,\nwith {drawn_name(other)}")
        axes.set_yticks(range(len(rows)), names)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(-1.05, 1.05)
        axes.set_xticks([-1, -0.5, 0, 0.5, 1])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"{statistic} correlation, 95% interval")
        title = f"Beside the {version} table 1"
        figure.suptitle(title, fontsize=9.5, fontweight="bold", x=0.01, ha="left")
        here = Line2D([], [], color=INK, marker="o", markersize=5, linewidth=2, label="here")
        there = Line2D(
            [],
            [],
            color=MARK,
            marker="D",
            markersize=5,
            linewidth=0,
            fillstyle="none",
            label="published",
        )
        figure.legend(handles=[here, there], loc="outside lower center", ncols=2)
        alt = f"{statistic} correlations of alignment with accuracy, found here and published."
        return finish(figure, f"table-1-{version}", alt)
