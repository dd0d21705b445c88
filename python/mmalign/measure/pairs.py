"""Two models under one metric: every pair of their layers, the best one, and its chance level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import UserError
from .calibration import calibrated, p_value, threshold
from .layers import PreparedLayers, best_pair, compare, prepare
from .metrics import Metric
from .models import Model, require_pairs
from .null import null_best, sample_orders
from .treatment import Treatment


@dataclass(frozen=True)
class PairResult:
    """Two models under one metric.

    scores: (layers of x, layers of y) float64, NaN where the metric is not defined.
    null:   (permutations,) best score of a pair of layers with the samples of y permuted.
    """

    metric: Metric
    x: Model
    y: Model
    scores: np.ndarray
    null: np.ndarray
    notes: list[str]

    @property
    def is_with_itself(self) -> bool:
        """Whether both are the same file."""
        return self.x.path.resolve() == self.y.path.resolve()

    @cached_property
    def compared(self) -> np.ndarray:
        """The scores, without those of a layer with itself unless there are no others."""
        if not self.is_with_itself or self.scores.size == 1:
            return self.scores
        return np.where(np.eye(*self.scores.shape, dtype=bool), np.nan, self.scores)

    @property
    def best(self) -> tuple[int, int] | None:
        """Places of the two layers most alike; of a model with itself, of two different ones."""
        return best_pair(self.metric, self.compared)

    @property
    def score(self) -> float:
        """Of the two layers most alike."""
        return np.nan if self.best is None else float(self.scores[self.best])

    @property
    def chance(self) -> float | None:
        """Expected of one pair of layers of unrelated models, where it is known."""
        return self.metric.chance(self.x.n)

    @cached_property
    def calibration(self) -> dict[str, float]:
        """Of the best pair: chance_of_best (mean of the null), threshold, p_value, calibrated.

        threshold: what 5% of pairings at random reach. calibrated: (score - threshold) over
        (1 - threshold), between 0 and 1, for metrics whose highest value is 1. Empty without a
        null.
        """
        if not len(self.null) or np.isnan(self.score):
            return {}
        # For a distance, less is more alike.
        sign = -1.0 if self.metric.is_distance else 1.0
        score, null = np.float64(sign * self.score), sign * self.null
        found = {
            "chance_of_best": float(self.null.mean()),
            "threshold": sign * float(threshold(score, null)),
            "p_value": float(p_value(score, null)),
        }
        if self.metric.highest_is_1:
            found["calibrated"] = float(calibrated(score, null))
        return found

    def describe(self) -> dict[str, Any]:
        """One row: what is known of the pair but for the matrix."""
        layers = (None, None)
        if self.best is not None:
            layers = tuple(
                model.layers[place][0]
                for model, place in zip((self.x, self.y), self.best, strict=True)
            )
        return {
            "x": self.x.name,
            "y": self.y.name,
            **self.metric.describe(),
            "n": self.x.n,
            "score": self.score,
            "layer_x": layers[0],
            "layer_y": layers[1],
            "chance": self.chance,
            "permutations": len(self.null),
            **self.calibration,
        }


def measure_pair(
    metric: Metric,
    x: Model,
    y: Model,
    treatment: Treatment | None = None,
    permutations: int = 0,
    seed: int = 0,
) -> PairResult:
    """Measure every layer of x with every layer of y.

    permutations: of the samples of y, for what the best pair scores by chance; their cost is that
    of :func:`mmalign.measure.null.null_best`. Memory: both models, prepared. Raises UserError for
    different numbers of samples and where the metric is defined on no layer of a model.
    """
    require_pairs(x, y)
    treatment = treatment or Treatment()
    xs, ys = (prepare_model(metric, model, treatment) for model in (x, y))
    orders = sample_orders(x.n, permutations, seed)
    [null] = null_of_pairs(metric, [xs], y, ys, treatment, orders)
    found = compare(metric, xs, ys)
    return PairResult(metric, x, y, found.matrix, null, found.notes)


def prepare_model(
    metric: Metric, model: Model, treatment: Treatment, order: np.ndarray | None = None
) -> PreparedLayers:
    """Its layers prepared from its file, with the samples in ``order``."""
    arrays = model.arrays()
    try:
        layers = treatment.apply(arrays)
    except UserError as error:
        raise UserError(f"{model.path}: {error}") from None
    if order is not None:
        # Not a generator, which would end with the first layer that cannot be treated.
        layers = map(lambda layer: layer[order], layers)
    return prepare(metric, labels_of(model), layers)


def null_of_pairs(
    metric: Metric,
    xs: Sequence[PreparedLayers],
    model: Model,
    y: PreparedLayers,
    treatment: Treatment,
    orders: np.ndarray,
) -> np.ndarray:
    """(len(xs), permutations): :func:`null_best` of models with ``model``, prepared as y."""
    if not len(orders):
        return np.empty((len(xs), 0))
    return null_best(
        metric, xs, y, orders, lambda order: prepare_model(metric, model, treatment, order)
    )


def labels_of(model: Model) -> list[str]:
    """What its layers are called in a sentence."""
    names = [name for name, _ in model.layers]
    return [str(model.path) if len(names) == 1 else f"{model.path}: {name}" for name in names]
