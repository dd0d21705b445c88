"""What the figures of a synthetic study share: colours, marks, axes and legends."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...analysis.labels import NO_BREAK
from ..style import COLORMAP, INK, QUIET, RULE

OURS = "#0072B2"
D_PHI = "D\u03c6"
UNIQUENESS_AXIS = "U (bits of the label that are unique)"
TRANSFORM_AXIS = f"{D_PHI} (depth of the transformation)"


def level_color(levels: np.ndarray, level: int) -> tuple[float, ...]:
    """The colour of a level, from dark (low) to light (high); never so light as to vanish."""
    place = list(levels).index(level) / max(len(levels) - 1, 1)
    return matplotlib.colormaps[COLORMAP](0.88 * place)


def hollow(color: object = INK, size: float = 6.5) -> dict[str, object]:
    """How a published value is marked: an open circle."""
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": size,
        "markerfacecolor": "none",
        "markeredgecolor": color,
        "markeredgewidth": 1.2,
    }


def handle(label: str, **style: object) -> Line2D:
    """An entry of a legend."""
    return Line2D([], [], label=label, **style)


def ours_handle(label: str = "this study") -> Line2D:
    """The legend's entry of our values."""
    return handle(label, linestyle="none", marker="o", color=OURS, markersize=5)


def published_handle() -> Line2D:
    """The legend's entry of published values."""
    return handle("published", **hollow())


def legend(figure: Figure, handles: list[Line2D], columns: int) -> None:
    """Below the axes, where it can hide nothing."""
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=columns,
        columnspacing=1.0,
        handletextpad=0.3,
        handlelength=1.3,
    )


def headline(axes: Axes, title: str, text: str = "") -> None:
    """A title, and below it a line of quieter text."""
    axes.set_title(f"{title}\n" if text else title)
    if text:
        axes.text(0, 1.035, text, transform=axes.transAxes, fontsize=8, color=QUIET)


def whole_ticks(axes: Axes, levels: np.ndarray, which: str = "x") -> None:
    """A tick at every level, or every other where there are many."""
    step = 1 if len(levels) <= 10 else 2
    getattr(axes, f"set_{which}ticks")(levels[::step])


def correlation_axis(axes: Axes) -> None:
    """From -1 to 1, with a line at zero."""
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylim(-1.08, 1.08)
    axes.set_yticks([-1, -0.5, 0, 0.5, 1])


def level(name: str, value: int) -> str:
    """``U = 4`` on one line."""
    return f"{name}{NO_BREAK}={NO_BREAK}{value}"
