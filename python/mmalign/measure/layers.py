"""The layers of a model, prepared once for a metric and compared with those of any other."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import mmkernels

from ..errors import UserError
from .metrics import ON_KERNELS, ON_LISTS, Metric

_LAYER = re.compile(r"\b([xy])s\[(\d+)\]")


@dataclass(frozen=True)
class PreparedLayers:
    """What a metric takes of each layer of a model; None where it is not defined.

    labels: what to call each layer in a sentence.
    faults: place of a layer -> why the metric is not defined on it, a sentence that names it.
    """

    labels: list[str]
    layers: list[Any]
    faults: dict[int, str]

    @property
    def places(self) -> list[int]:
        """Which layers are there."""
        return [place for place, layer in enumerate(self.layers) if layer is not None]

    @property
    def there(self) -> list[Any]:
        return [self.layers[place] for place in self.places]

    def require_any(self) -> None:
        """Raise UserError, for the first layer, if the metric is defined on none of them."""
        if self.layers and not self.places:
            raise UserError(self.faults[0])

    def without(self, place: int, why: str) -> PreparedLayers:
        """The same with one layer less."""
        layers = [None if i == place else layer for i, layer in enumerate(self.layers)]
        return PreparedLayers(self.labels, layers, {**self.faults, place: why})


def prepare(metric: Metric, labels: Sequence[str], layers: Iterable[Any]) -> PreparedLayers:
    """Do once per layer what every comparison needs: search neighbours, pack kernels.

    layers: (n, d) arrays, read one after the other. A layer on which the metric is not defined (a
    zero row where a cosine is asked for, NaN) does not hide the others; raises UserError if there
    is no other.
    """
    prepared: list[Any] = []
    faults: dict[int, str] = {}
    layers = iter(layers)
    for place, label in enumerate(labels):
        try:
            prepared.append(_prepared(metric, label, next(layers)))
        except ValueError as error:
            faults[place] = re.sub(r"\bx\b", lambda _, label=label: label, str(error))
            prepared.append(None)
    found = PreparedLayers(list(labels), prepared, faults)
    found.require_any()
    return found


def _prepared(metric: Metric, label: str, layer: Any) -> Any:
    options = metric.options
    if metric.name in ON_LISTS:
        return replace(mmkernels.knn(layer, options["k"], metric=options["metric"]), name=label)
    if metric.name in ON_KERNELS:
        gram = mmkernels.prepare_gram(layer, kernel=options["kernel"], sigma=options["sigma"])
        gram.name = label
        return gram
    return layer


@dataclass(frozen=True)
class Scores:
    """matrix: (layers of x, layers of y) float64, NaN where the metric is not defined.

    notes: sentences on what is not defined and what is unusual.
    """

    matrix: np.ndarray
    notes: list[str]


def compare(metric: Metric, xs: PreparedLayers, ys: PreparedLayers) -> Scores:
    """Every layer of x with every layer of y: :func:`mmkernels.measure_matrix` of those there.

    Cost: that of the metric, without what :func:`prepare` did. Raises UserError where the metric
    is not defined for any pair.
    """
    given = metric.engine_options
    if metric.name in ON_KERNELS:
        given = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        while True:
            sides = {"x": xs, "y": ys}
            try:
                found = mmkernels.measure_matrix(metric.engine_name, xs.there, ys.there, **given)
                break
            except ValueError as error:
                named = _LAYER.search(str(error))
                if named is None:
                    raise UserError(str(error)) from None
                place = sides[named[1]].places[int(named[2])]
                why = _in_words(str(error), sides)
                sides[named[1]] = sides[named[1]].without(place, why)
                sides[named[1]].require_any()
                xs, ys = sides["x"], sides["y"]
    matrix = np.full((len(xs.layers), len(ys.layers)), np.nan)
    matrix[np.ix_(xs.places, ys.places)] = found
    notes = [*xs.faults.values(), *ys.faults.values()]
    notes += [_in_words(str(warning.message), sides) for warning in caught]
    return Scores(matrix, list(dict.fromkeys(notes)))


def _in_words(text: str, sides: dict[str, PreparedLayers]) -> str:
    """Say the layer's name where mmkernels says "xs[0]"."""

    def name(match: re.Match[str]) -> str:
        side = sides[match[1]]
        return side.labels[side.places[int(match[2])]]

    return _LAYER.sub(name, text)


def best_pair(metric: Metric, found: np.ndarray) -> tuple[int, int] | None:
    """Row and column of the two layers most alike, the first of equals; None if all are NaN."""
    if np.isnan(found).all():
        return None
    most_alike = np.nanargmin if metric.is_distance else np.nanargmax
    row, column = np.unravel_index(most_alike(found), found.shape)
    return int(row), int(column)


def best_score(metric: Metric, found: np.ndarray) -> float:
    """The score of :func:`best_pair`; NaN if all are NaN."""
    best = best_pair(metric, found)
    return np.nan if best is None else float(found[best])
