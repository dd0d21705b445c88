"""Heat maps of many models: the best score of every two, and all their layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ...analysis.labels import decimal, file_slug
from ...measure.layers import best_pair
from ...measure.metrics import Metric
from ...measure.pairs import PairResult
from ..style import COLORMAP, MARK, RULE, Panel, finish, house_style, new_figure

_MOST_CELLS_WITH_NUMBERS = 64
_MOST_TICKS = 12
_LONGEST_NAME = 24
_MARKS = "-_. "


def model_map(pairs: Sequence[PairResult], metric_name: str) -> Panel:
    """The score of the best pair of layers of every two models."""
    xs, ys = (list(dict.fromkeys(names)) for names in zip(*map(_names, pairs), strict=True))
    scores = np.full((len(xs), len(ys)), np.nan)
    for pair in pairs:
        # A model with itself says nothing of models, and would set the scale.
        if not pair.is_with_itself or len(pairs) == 1:
            scores[xs.index(pair.x.name), ys.index(pair.y.name)] = pair.score
    nulls = [pair.calibration.get("chance_of_best", np.nan) for pair in pairs]
    chance = float(np.mean(nulls))
    metric = pairs[0].metric
    height, width = (0.36 * len(names) for names in (xs, ys))
    with house_style():
        figure = new_figure((min(max(width + 3, 4.8), 14), min(max(height + 1.6, 3.6), 14)))
        axes = figure.add_subplot()
        scale = _scale(scores, chance)
        mesh = _cells(axes, scores, scale, colors_of(metric), linewidth=0.6)
        axes.set_yticks(np.arange(len(xs)) + 0.5, drawn_names(xs))
        axes.set_xticks(
            np.arange(len(ys)) + 0.5,
            drawn_names(ys),
            rotation=45,
            ha="right",
            rotation_mode="anchor",
        )
        axes.set(title="Best pair of layers")
        if scores.size <= _MOST_CELLS_WITH_NUMBERS:
            _write_numbers(axes, scores, scale, metric.is_distance)
        best = _frame(axes, best_pair(metric, scores))
        _color_bar(figure, axes, mesh, metric_name, chance)
        told = "" if best is None else f" Most alike are {xs[best[0]]} and {ys[best[1]]}."
        return finish(
            figure, f"models-{file_slug(metric.name)}", f"{metric_name} of every two models.{told}"
        )


def all_layers_map(pairs: Sequence[PairResult], metric_name: str) -> Panel:
    """Every layer of every model, first layers at the top left of a model's block."""
    xs, ys = (list(dict.fromkeys(names)) for names in zip(*map(_names, pairs), strict=True))
    found = {_names(pair): pair.compared for pair in pairs}
    scores = np.block([[found[x, y] for y in ys] for x in xs])
    heights = [len(found[x, ys[0]]) for x in xs]
    widths = [found[xs[0], y].shape[1] for y in ys]
    with house_style():
        size = min(7.0, max(3.2, 0.06 * max(sum(heights), sum(widths))))
        figure = new_figure((size + 2.5, size * min(1.4, sum(heights) / sum(widths)) + 1.6))
        axes = figure.add_subplot()
        mesh = axes.imshow(
            np.ma.masked_invalid(scores),
            cmap=colors_of(pairs[0].metric),
            norm=_scale(scores, np.nan),
            interpolation="nearest",
            aspect="auto",
        )
        axes.set_facecolor(RULE)
        for sizes, line, ticks, names, text in (
            (heights, axes.axhline, axes.set_yticks, xs, {}),
            (widths, axes.axvline, axes.set_xticks, ys, {"rotation": 45, "ha": "right"}),
        ):
            ends = np.cumsum(sizes)
            for end in ends[:-1]:
                line(end - 0.5, color="white", linewidth=0.8)
            middles = ends - np.array(sizes) / 2 - 0.5
            ticks(middles, drawn_names(names), fontsize=7, **text)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(title="Every layer of every model")
        _color_bar(figure, axes, mesh, metric_name, np.nan)
        return finish(
            figure,
            f"layers-{file_slug(pairs[0].metric.name)}",
            f"{metric_name} of every layer of every model, a block for every two models.",
        )


def layer_map(pair: PairResult, metric_name: str, names: tuple[str, str]) -> Panel:
    """Every layer of one model against every layer of another, by their names on the axes."""
    with house_style():
        figure = new_figure((4.4, 3.7))
        axes = figure.add_subplot()
        chance = pair.calibration.get("chance_of_best", np.nan)
        scale = _scale(pair.compared, chance)
        mesh = _cells(axes, pair.compared, scale, colors_of(pair.metric), linewidth=0)
        for ticks, count in zip((axes.set_yticks, axes.set_xticks), pair.scores.shape, strict=True):
            shown = np.arange(0, count, -(-count // _MOST_TICKS))
            ticks(shown + 0.5, [str(place) for place in shown])
        axes.set(ylabel=f"layer of {names[0]}", xlabel=f"layer of {names[1]}")
        _frame(axes, pair.best)
        _color_bar(figure, axes, mesh, metric_name, chance)
        name = file_slug(f"{pair.metric.name}-{pair.x.name}-{pair.y.name}")
        row = pair.describe()
        return finish(
            figure,
            f"pair-{name}",
            f"{metric_name} of the layers of {pair.x.name} and of {pair.y.name}. Most alike, at "
            f"{decimal(pair.score)}, are {row['layer_x']} and {row['layer_y']}.",
        )


def _names(pair: PairResult) -> tuple[str, str]:
    return pair.x.name, pair.y.name


def colors_of(metric: Metric) -> str:
    """Light is more alike, whichever way the metric counts."""
    return f"{COLORMAP}_r" if metric.is_distance else COLORMAP


def drawn_names(names: Sequence[str]) -> list[str]:
    """The names of models on an axis; long ones by what tells them apart.

    ``mmalign extract`` ends names with those of data and pooling, which are the same for all.
    """
    if max(map(len, names)) <= _LONGEST_NAME:
        return list(names)
    words = [re.split(r"(?<=[-_. ])", name) for name in names]
    # Each keeps a word.
    most = min(map(len, words)) - 1 if len(names) > 1 else 0
    start = _in_common(words, range(most))
    end = _in_common(words, range(-1, start - most - 1, -1))
    rests = [own[: len(own) - end] for own in words]
    # As much of what they have in common as there is room for.
    fitting = [
        left_out
        for left_out in range(start + 1)
        if all(len("".join(own[left_out:]).rstrip(_MARKS)) < _LONGEST_NAME for own in rests)
    ]
    start = min(fitting, default=start)
    shortened = ["".join(own[start:]).rstrip(_MARKS) for own in rests]
    return [
        ("…" if start else "") + _middle_left_out(short or name)
        for short, name in zip(shortened, names, strict=True)
    ]


def _in_common(words: list[list[str]], places: Sequence[int]) -> int:
    """How many of the places, from the first on, hold one word for all."""
    for count, place in enumerate(places):
        if len({own[place] for own in words}) > 1:
            return count
    return len(places)


def _middle_left_out(name: str) -> str:
    if len(name) <= _LONGEST_NAME:
        return name
    half = _LONGEST_NAME // 2
    return f"{name[: half - 1]}…{name[-half:]}"


def _scale(scores: np.ndarray, chance: float) -> Normalize:
    values = scores[np.isfinite(scores)]
    values = np.append(values, chance if np.isfinite(chance) else [])
    if not len(values):
        return Normalize(0, 1)
    # Room at both ends keeps the mark of the chance level inside the scale.
    margin = 0.02 * np.ptp(values) or 1e-3
    return Normalize(values.min() - margin, values.max() + margin)


def _cells(axes: Axes, scores: np.ndarray, scale: Normalize, colors: str, linewidth: float) -> Any:
    axes.set_facecolor(RULE)
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(scores),
        cmap=colors,
        norm=scale,
        edgecolors="white" if linewidth else "face",
        linewidth=linewidth,
    )
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return mesh


def _write_numbers(axes: Axes, scores: np.ndarray, scale: Normalize, is_distance: bool) -> None:
    digits = 2 if scale.vmax > 0.1 else 3
    for (row, column), score in np.ndenumerate(scores):
        axes.text(
            column + 0.5,
            row + 0.5,
            decimal(score, digits),
            ha="center",
            va="center",
            fontsize=6.5,
            # White on the dark half of the scale, black on the light half.
            color="white"
            if (1 - scale(score) if is_distance else scale(score)) < 0.48
            else "black",
        )


def _frame(axes: Axes, best: tuple[int, int] | None) -> tuple[int, int] | None:
    if best is not None:
        row, column = best
        axes.add_patch(
            Rectangle((column, row), 1, 1, fill=False, edgecolor=MARK, linewidth=1.8, zorder=3)
        )
    return best


def _color_bar(figure: Figure, axes: Axes, mesh: Any, label: str, chance: float) -> None:
    bar = figure.colorbar(mesh, ax=axes, aspect=25, pad=0.03, shrink=0.9)
    bar.outline.set_visible(False)
    bar.set_label(label)
    if np.isfinite(chance):
        bar.ax.axhline(chance, color="white", linewidth=2.4)
        bar.ax.axhline(chance, color=MARK, linewidth=1.2)
