"""Heat maps: which layer of one encoder is like which layer of the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from ..analysis.comparisons import best_encoder, pairs_between
from ..analysis.labels import decimal, file_slug, metric_label, metric_slug
from ..study.results import StudyResults
from .style import COLORMAP, MARK, RULE, Panel, drawn_name, finish, house_style, new_figure

_MOST_CELLS_WITH_NUMBERS = 25


@dataclass(frozen=True)
class HeatMap:
    """Scores of view a (rows) against view b (columns); both axes are labelled from ``ticks``."""

    name: str
    title: str
    scores: np.ndarray
    labels: tuple[str, str]
    ticks: tuple[list[int], list[int]]


def alignment_panels(
    results: StudyResults, measured: pd.DataFrame, view_a: str, view_b: str
) -> list[Panel]:
    """Three heat maps on one colour scale, for the rows of one metric and a pair of views.

    Layer by layer for the best encoders by validation, layer by layer for the deepest ones (unless
    they are the same), and the best score of every pair of depths, averaged over seeds.
    """
    pairs = pairs_between(results, measured, view_a, view_b)
    if pairs.empty:
        return []
    maps = [*_layer_maps(results, pairs, view_a, view_b), _depth_map(pairs, view_a, view_b)]
    metric, options = measured.iloc[0][["metric", "options"]]
    chance = float(pairs["chance"].max())
    values = np.concatenate([one.scores.ravel() for one in maps])
    values = np.append(values[np.isfinite(values)], chance if np.isfinite(chance) else [])
    if not len(values):
        return []
    # Room at both ends keeps the mark of the chance level inside the scale.
    margin = 0.02 * np.ptp(values) or 1e-3
    scale = Normalize(values.min() - margin, values.max() + margin)
    slug = f"{metric_slug(metric, options)}-{file_slug(view_a)}-{file_slug(view_b)}"
    name = metric_label(metric, options, brief=True)
    return [_draw(one, scale, chance, f"alignment-{one.name}-{slug}", name) for one in maps]


def _layer_maps(
    results: StudyResults, pairs: pd.DataFrame, view_a: str, view_b: str
) -> Iterator[HeatMap]:
    shown = set()
    for name, title, choose in (
        ("layers-of-best", "Layers of the best encoders", best_encoder),
        ("layers-of-deepest", "Layers of the deepest encoders", _deepest_encoder),
    ):
        chosen = []
        for side in "ab":
            own = results.encoders[results.encoders["cell"].isin(pairs[f"cell_{side}"])]
            chosen.append(choose(own))
        if any(one is None for one in chosen):
            continue
        a, b = chosen
        row = pairs[(pairs["cell_a"] == a["cell"]) & (pairs["cell_b"] == b["cell"])]
        if row.empty or row.iloc[0]["cell"] in shown:
            continue
        shown.add(row.iloc[0]["cell"])
        yield HeatMap(
            name,
            title,
            _turned(results, row.iloc[0], view_a),
            (_encoder_axis(view_a, a), _encoder_axis(view_b, b)),
            (list(range(1, a["depth"] + 1)), list(range(1, b["depth"] + 1))),
        )


def _deepest_encoder(encoders: pd.DataFrame) -> pd.Series:
    order = encoders.sort_values(["depth", "seed", "cell"], ascending=[False, True, True])
    return order.iloc[0]


def _encoder_axis(view: str, encoder: pd.Series) -> str:
    return f"{drawn_name(view)} layer (depth {encoder['depth']}, seed {encoder['seed']})"


def _turned(results: StudyResults, pair: pd.Series, view_a: str) -> np.ndarray:
    """The layer scores of a pair with ``view_a`` in rows, whichever way it was measured."""
    scores = results.matrix(pair["cell"])
    stored = results.alignments.set_index("cell").loc[pair["cell"], "view_a"]
    return scores if stored == view_a else scores.T


def _depth_map(pairs: pd.DataFrame, view_a: str, view_b: str) -> HeatMap:
    table = pairs.pivot_table(
        index="depth_a", columns="depth_b", values="score", aggfunc="mean", dropna=False
    )
    return HeatMap(
        "depths",
        "Best layer pair, by depth",
        table.to_numpy(float),
        (f"{drawn_name(view_a)} depth (layers)", f"{drawn_name(view_b)} depth (layers)"),
        (list(table.index), list(table.columns)),
    )


def _draw(one: HeatMap, scale: Normalize, chance: float, file: str, metric: str) -> Panel:
    scores = one.scores
    with house_style():
        figure = new_figure()
        axes = figure.add_subplot()
        axes.set_facecolor(RULE)
        mesh = axes.pcolormesh(
            np.ma.masked_invalid(scores),
            cmap=COLORMAP,
            norm=scale,
            edgecolors="white",
            linewidth=0.6,
        )
        axes.set_aspect("equal")
        for set_ticks, numbers in zip((axes.set_yticks, axes.set_xticks), one.ticks, strict=True):
            set_ticks(np.arange(len(numbers)) + 0.5, [str(number) for number in numbers])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        # A map of few columns is narrower than its title.
        figure.suptitle(one.title, fontsize=9.5, fontweight="bold", x=0.01, ha="left")
        axes.set(ylabel=one.labels[0], xlabel=one.labels[1])
        digits = 2 if scale.vmax > 0.1 else 3
        if scores.size <= _MOST_CELLS_WITH_NUMBERS:
            for (row, column), score in np.ndenumerate(scores):
                # White on the dark half of the scale, black on the light half.
                axes.text(
                    column + 0.5,
                    row + 0.5,
                    decimal(score, digits),
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if scale(score) < 0.48 else "black",
                )
        best = ""
        if np.isfinite(scores).any():
            row, column = np.unravel_index(np.nanargmax(scores), scores.shape)
            axes.add_patch(
                Rectangle(
                    (column + 0.04, row + 0.04),
                    0.92,
                    0.92,
                    fill=False,
                    edgecolor=MARK,
                    linewidth=1.8,
                )
            )
            best = (
                f" The highest, {decimal(scores[row, column])}, is at {one.labels[0]} "
                f"{one.ticks[0][row]} and {one.labels[1]} {one.ticks[1][column]}."
            )
        bar = figure.colorbar(mesh, ax=axes, aspect=25, pad=0.03, shrink=0.9)
        bar.outline.set_visible(False)
        bar.set_label(metric)
        if np.isfinite(chance):
            bar.ax.axhline(chance, color="white", linewidth=2.4)
            bar.ax.axhline(chance, color=MARK, linewidth=1.2)
        return finish(figure, file, f"{one.title}: {metric}.{best}")
