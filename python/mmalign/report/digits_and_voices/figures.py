"""The figures along the balances: correlations, alignment, performance, information."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ...analysis.digits_and_voices.statistics import (
    ALIGNMENT,
    ALIGNMENT_PERFORMANCE,
    GIVEN_DEPTH,
    NOTHING,
    why_nothing_to_predict,
)
from ...analysis.labels import metric_label, metric_slug
from ...data.digits_and_voices import BALANCES, ground_truth
from ..style import INK, QUIET, RULE, Panel, finish, house_style, light_grid, new_figure, view_color
from .marks import VIEWS, balance_axis, balance_places, beside, intervals, legend, view_handles

_WIDE = (4.7, 3.1)
_SHORT_NAMES = {"mutual_knn": "mutual neighbours", "cka": "linear CKA"}


def correlation_panels(table: pd.DataFrame) -> list[Panel]:
    """Spearman of alignment with performance at each balance, as measured and given depth."""
    panels = []
    for key, own in _metrics(table):
        for statistic, what in (("spearman", "as measured"), (GIVEN_DEPTH, "given depth")):
            rows = _rows(own, ALIGNMENT_PERFORMANCE, statistic)
            places = balance_places(list(dict.fromkeys(rows["balance"])))
            with house_style():
                figure = new_figure(_WIDE)
                axes = figure.add_subplot()
                axes.axhline(0, color=QUIET, linewidth=0.8)
                light_grid(axes)
                intervals(axes, rows, places)
                _nothing(axes, rows, places)
                balance_axis(axes, places)
                axes.set_ylim(-1.08, 1.08)
                axes.set_yticks([-1, -0.5, 0, 0.5, 1])
                axes.set_ylabel(f"Spearman, {what}")
                axes.set_title(f"Alignment ({_short(*key)}) and performance")
                legend(figure, view_handles())
                name = f"correlation-{statistic.replace('_', '-')}-{metric_slug(*key)}"
                alt = (
                    f"Correlation of {metric_label(*key)} with performance, {what}, at each "
                    "balance, with 95% intervals."
                )
                panels.append(finish(figure, name, alt))
    return panels


def _nothing(axes, rows: pd.DataFrame, places: dict[str, float]) -> None:
    """A cross at zero, with words, where a view has no correlation."""
    missing = rows[~np.isfinite(rows["value"])]
    for row in missing.itertuples():
        x = places[row.balance] + beside(row.view)
        axes.plot(x, 0, "x", color=view_color(VIEWS, row.view), markersize=5)
        axes.text(
            x,
            -0.1,
            NOTHING if row.reason.startswith(NOTHING) else "not defined",
            rotation=90,
            ha="center",
            va="top",
            fontsize=7,
            color=QUIET,
        )


def alignment_panels(table: pd.DataFrame, points: pd.DataFrame) -> list[Panel]:
    """Mean alignment at each balance and its interval, with every encoder behind it."""
    panels = []
    for key, own in _metrics(table):
        rows = _rows(own, ALIGNMENT, "mean")
        places = balance_places(list(dict.fromkeys(rows["balance"])))
        dots = points[(points["metric"] == key[0]) & (points["options"] == key[1])]
        calibrated = dots["calibrated"].notna().any()
        heights = (dots["calibrated"] if calibrated else dots["alignment"]).to_numpy(float)
        with house_style():
            figure = new_figure(_WIDE)
            axes = figure.add_subplot()
            axes.axhline(0, color=QUIET, linewidth=0.8)
            light_grid(axes)
            for view in VIEWS:
                chosen = (dots["view"] == view).to_numpy()
                x = dots["balance"].map(places).to_numpy(float)[chosen] + 1.9 * beside(view)
                color = view_color(VIEWS, view)
                axes.plot(x, heights[chosen], ".", color=color, alpha=0.35, markersize=4)
            intervals(axes, rows, places)
            balance_axis(axes, places)
            axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
            axes.set_ylabel(f"{_short(*key)}{', calibrated' if calibrated else ''}")
            axes.set_title("Alignment with the other view’s best encoder")
            legend(figure, view_handles())
            alt = f"{metric_label(*key)} at each balance: mean with 95% interval, and encoders."
            panels.append(finish(figure, f"alignment-{metric_slug(*key)}", alt))
    return panels


def performance_panel(points: pd.DataFrame) -> Panel:
    """Accuracy of every encoder at each balance, below the best that its view allows."""
    first = points[points["metric"] == points["metric"].iloc[0]]
    first = first[first["options"] == first["options"].iloc[0]]
    places = balance_places(list(dict.fromkeys(first["balance"])))
    with house_style():
        figure = new_figure(_WIDE)
        axes = figure.add_subplot()
        light_grid(axes)
        axes.axhline(12.5, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
        for (name, view), own in first.groupby(["balance", "view"], sort=False):
            x, color = places[name] + beside(view), view_color(VIEWS, view)
            axes.hlines(100 * own["ceiling"].iloc[0], x - 0.11, x + 0.11, color=INK, linewidth=2)
            axes.plot(
                np.full(len(own), x),
                100 * own["expected"],
                "os"[VIEWS.index(view)],
                color=color,
                alpha=0.55,
                markersize=4,
                markeredgewidth=0,
            )
        balance_axis(axes, places)
        axes.set_ylim(0, 105)
        axes.set_ylabel("accuracy (%)")
        axes.set_title("Accuracy and its ceilings")
        more = [
            Line2D([], [], color=INK, linewidth=2, label="ceiling"),
            Line2D([], [], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label="chance"),
        ]
        legend(figure, [*view_handles(), *more])
        alt = "Accuracy of each encoder at each balance, with the ceiling of its view and chance."
        return finish(figure, "performance", alt)


def information_panel(names: list[str]) -> Panel:
    """The exact decomposition of the label's three bits at each balance."""
    parts = (
        ("redundant", "redundancy", "#56B4E9"),
        ("only in the picture", "unique_1", view_color(VIEWS, VIEWS[0])),
        ("only in the sound", "unique_2", view_color(VIEWS, VIEWS[1])),
        ("in neither alone", "synergy", "#8a8f96"),
    )
    places = balance_places(names)
    with house_style():
        figure = new_figure(_WIDE)
        axes = figure.add_subplot()
        light_grid(axes)
        bottom = np.zeros(len(names))
        for _, part, color in parts:
            bits = np.array(
                [getattr(ground_truth(BALANCES[name]).pid, part) / np.log(2) for name in names]
            )
            axes.bar(list(places.values()), bits, 0.62, bottom, color=color, edgecolor="white")
            bottom += bits
        balance_axis(axes, places)
        axes.set_yticks([0, 1, 2, 3])
        axes.set_ylabel("information about the label (bits)")
        axes.set_title("What the task needs")
        legend(figure, [Patch(color=color, label=label) for label, _, color in parts])
        alt = "Redundant, unique and synergistic information of each balance, in bits."
        return finish(figure, "information", alt)


def scatter_panels(points: pd.DataFrame) -> list[Panel]:
    """Every encoder of the first metric: alignment against performance, a panel a balance."""
    key = tuple(points.iloc[0][["metric", "options"]])
    own = points[(points["metric"] == key[0]) & (points["options"] == key[1])]
    panels = []
    for name, at in own.groupby("balance", sort=False):
        with house_style():
            figure = new_figure((3.7, 3.0))
            axes = figure.add_subplot()
            axes.grid(color=RULE, linewidth=0.6)
            axes.set_axisbelow(True)
            depths = sorted(at["depth"].unique())
            empty = {}
            for view, dots in at.groupby("view", sort=False):
                sizes = 14 + 40 * (dots["depth"].rank(method="dense") - 1) / max(len(depths) - 1, 1)
                empty[view] = bool(why_nothing_to_predict(dots))
                # What has nothing to predict stands on the axis, at no height.
                axes.scatter(
                    dots["alignment"],
                    np.full(len(dots), 0.05) if empty[view] else 100 * dots["performance"],
                    s=sizes,
                    marker="os"[VIEWS.index(view)],
                    facecolors="none" if empty[view] else view_color(VIEWS, view),
                    edgecolors=view_color(VIEWS, view),
                    alpha=0.75,
                    linewidths=0.8,
                    transform=axes.get_xaxis_transform() if empty[view] else axes.transData,
                )
            if all(empty.values()):
                axes.set_yticks([])
            elif any(empty.values()):
                axes.margins(y=0.15)
            axes.axvline(at["chance"].max(), color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
            axes.set_title(f"{BALANCES[name].task[:1].upper()}{BALANCES[name].task[1:]}", wrap=True)
            axes.title.set_fontsize(8.5)
            axes.set_xlim(0, 1.06 * max(at["alignment"].max(), at["chance"].max()))
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
            axes.set(xlabel="mutual neighbours, best layer pair", ylabel="share of ceiling (%)")
            alt = f"Alignment against performance of each encoder: {BALANCES[name].task}."
            panels.append(finish(figure, f"scatter-{name}", alt))
    return panels


def _short(metric: str, options: str) -> str:
    return _SHORT_NAMES.get(metric, metric_label(metric, options))


def _metrics(table: pd.DataFrame):
    return table.groupby(["metric", "options"], sort=False)


def _rows(table: pd.DataFrame, question: str, statistic: str) -> pd.DataFrame:
    return table[(table["question"] == question) & (table["statistic"] == statistic)]
