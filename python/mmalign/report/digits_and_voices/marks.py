"""What the figures along the balances share: their axis, their two views, legends."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...analysis.digits_and_voices.statistics import VIEW_NAMES
from ..style import QUIET, view_color

VIEWS = list(VIEW_NAMES)
TICKS = {
    "digit": "digit\nU = 0",
    "unique-1": "U = 1",
    "unique-2": "U = 2",
    "unique-3": "U = 3",
    "voice": "voice\nonly",
    "both-1": "sum of\n1 bit",
    "both-2": "sum of\n2 bits",
    "both": "sum of\n3 bits",
}
# The two views stand this far apart, in units of the axis.
_APART = 0.24
# A gap sets apart what is not on the way from redundant to unique.
_GAP = 0.5


def balance_places(names: list[str]) -> dict[str, float]:
    """Where each balance stands: a gap before the voice alone and before what needs both."""
    places, place, kind = {}, 0.0, None
    for name in names:
        own = "both" if name.startswith("both") else name if name == "voice" else "unique"
        place += 0.0 if kind is None else 1.0 + (_GAP if own != kind else 0.0)
        places[name], kind = place, own
    return places


def balance_axis(axes: Axes, places: dict[str, float]) -> None:
    """Label the balances, and draw a quiet line in the gaps."""
    x = list(places.values())
    axes.set_xticks(x, [TICKS[name] for name in places])
    axes.set_xlim(x[0] - 0.6, x[-1] + 0.6)
    for left, right in pairwise(x):
        if right - left > 1:
            axes.axvline((left + right) / 2, color=QUIET, linewidth=0.6, linestyle=(0, (1, 3)))
    axes.tick_params(axis="x", length=0)


def beside(view: str) -> float:
    """How far from its balance a view's mark stands."""
    return (VIEWS.index(view) - (len(VIEWS) - 1) / 2) * _APART


def intervals(axes: Axes, rows: pd.DataFrame, places: dict[str, float]) -> None:
    """A mark and its interval for each view and balance; rows without a value are left out."""
    for view, own in rows[np.isfinite(rows["value"])].groupby("view", sort=False):
        x = own["balance"].map(places).to_numpy(float) + beside(view)
        color = view_color(VIEWS, view)
        axes.vlines(x, own["low"], own["high"], color=color, linewidth=1.8)
        axes.plot(x, own["value"], "os"[VIEWS.index(view)], color=color, markersize=5)


def view_handles() -> list[Line2D]:
    """The legend's entries of the views."""
    return [
        Line2D(
            [],
            [],
            linestyle="none",
            color=view_color(VIEWS, view),
            marker="os"[place],
            markersize=5,
            label=f"{VIEW_NAMES[view]} encoders",
        )
        for place, view in enumerate(VIEWS)
    ]


def legend(figure: Figure, handles: list[Line2D]) -> None:
    """Below the axes, where it can hide nothing."""
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=4,
        columnspacing=1.2,
        handletextpad=0.3,
        handlelength=1.3,
    )
