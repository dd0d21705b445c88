"""The finished pairs as tables: best pair of layers, its chance level, every layer pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..study.cell import canonical_json
from ..study.store import CellStore
from .calibration import calibrated, p_value, threshold
from .layers import best_pair
from .metrics import Metric
from .models import Model
from .run import Request


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
    def best(self) -> tuple[int, int] | None:
        """Places of the two layers most alike."""
        return best_pair(self.metric, self.scores)

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


def read_pairs(
    xs: Sequence[Model], ys: Sequence[Model], request: Request, store: CellStore
) -> Iterator[PairResult]:
    """The pairs that :func:`measure_models` has finished, by metric, x and y."""
    for metric in request.metrics:
        for x in xs:
            for y in ys:
                meta, arrays = store.read(request.cell(metric, x, y).hash)
                yield PairResult(metric, x, y, arrays["scores"], arrays["null"], meta["notes"])


def pair_table(pairs: Sequence[PairResult], request: Request) -> pd.DataFrame:
    """A row a metric and pair of models; options and treatment as JSON text."""
    treatment = canonical_json(request.treatment.describe())
    rows = [
        {**row, "options": canonical_json(row["options"]), "treatment": treatment}
        for row in (pair.describe() for pair in pairs)
    ]
    columns = ("chance_of_best", "threshold", "p_value", "calibrated")
    table = pd.DataFrame(rows)
    for name in ("chance", *columns):
        table[name] = table[name].astype(np.float64) if name in table else np.nan
    return table


def layer_table(pairs: Sequence[PairResult]) -> pd.DataFrame:
    """A row a metric, pair of models and pair of layers."""
    parts = []
    for pair in pairs:
        names = [[name for name, _ in model.layers] for model in (pair.x, pair.y)]
        parts.append(
            pd.DataFrame(
                {
                    "metric": pair.metric.name,
                    "x": pair.x.name,
                    "y": pair.y.name,
                    "layer_x": np.repeat(names[0], len(names[1])),
                    "layer_y": np.tile(names[1], len(names[0])),
                    "score": pair.scores.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
