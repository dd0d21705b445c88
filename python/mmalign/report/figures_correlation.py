"""The correlations of alignment with performance at one glance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from ..analysis.comparisons import BOTH_VIEWS
from ..analysis.correlations import ALIGNMENT_PERFORMANCE
from ..analysis.labels import metric_label, metric_slug
from .style import (
    INK,
    PANEL_INCHES,
    QUIET,
    Panel,
    drawn_name,
    finish,
    house_style,
    new_figure,
    view_color,
)

_STATISTICS = {"spearman": "as measured", "partial_spearman": "given depth"}


def correlation_intervals(correlations: pd.DataFrame, views: list[str]) -> list[Panel]:
    """A panel a metric: Spearman's correlation and its interval, as measured and given depth."""
    table = correlations[
        (correlations["relation"] == ALIGNMENT_PERFORMANCE)
        & correlations["statistic"].isin(list(_STATISTICS))
    ]
    return [
        _draw(metric, options, rows, views)
        for (metric, options), rows in table.groupby(["metric", "options"], sort=False)
    ]


def _draw(metric: str, options: str, rows: pd.DataFrame, views: list[str]) -> Panel:
    comparisons = list(rows.groupby(["view_a", "view_b", "varied_view"], sort=False))
    with house_style():
        figure = new_figure((PANEL_INCHES[0], 1.1 + 0.4 * len(comparisons)))
        axes = figure.add_subplot()
        axes.axvline(0, color=QUIET, linewidth=0.8)
        for height, (key, found) in enumerate(comparisons):
            color = view_color(views, key[2])
            for _, row in found.iterrows():
                partial = row["statistic"] == "partial_spearman"
                place = height + (0.17 if partial else -0.17)
                if np.isfinite([row["low"], row["high"]]).all():
                    axes.plot(
                        [row["low"], row["high"]],
                        [place, place],
                        color=color,
                        linewidth=_width(partial),
                        solid_capstyle="butt",
                    )
                face = "white" if partial else color
                axes.plot(row["value"], place, "o", color=color, markersize=5, markerfacecolor=face)
        axes.set_yticks(
            range(len(comparisons)), [_who(key, len(comparisons)) for key, _ in comparisons]
        )
        axes.set_ylim(len(comparisons) - 0.5, -0.5)
        axes.set_xlim(-1.05, 1.05)
        axes.set_xticks([-1, -0.5, 0, 0.5, 1])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        name = metric_label(metric, options, brief=True)
        axes.set_xlabel("Spearman correlation, 95% interval")
        figure.suptitle(name, fontsize=9.5, fontweight="bold", x=0.01, ha="left")
        handles = [
            Line2D(
                [],
                [],
                color=INK,
                marker="o",
                markersize=5,
                linewidth=_width(partial),
                markerfacecolor="white" if partial else INK,
                label=label,
            )
            for partial, label in enumerate(_STATISTICS.values())
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        alt = f"Correlation of alignment ({name}) with accuracy, with 95% intervals."
        return finish(figure, f"correlation-{metric_slug(metric, options)}", alt)


def _width(partial: bool | int) -> float:
    return 1.0 if partial else 2.0


def _who(key: tuple[str, str, str], shown: int) -> str:
    view_a, view_b, varied = key
    if shown <= 3:
        return "all pairs" if varied == BOTH_VIEWS else f"{drawn_name(varied)} encoders"
    if varied == BOTH_VIEWS:
        return f"pairs of {drawn_name(view_a)}\nand {drawn_name(view_b)}"
    other = view_b if varied == view_a else view_a
    return f"{drawn_name(varied)} encoders,\nwith {drawn_name(other)}"
