"""The finished pairs as tables: best pair of layers, its chance level, every layer pair."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..study.cell import canonical_json
from ..study.store import CellStore
from .models import Model
from .pairs import PairResult
from .run import Request


def read_pairs(
    xs: Sequence[Model], ys: Sequence[Model], request: Request, store: CellStore
) -> Iterator[PairResult]:
    """The pairs that :func:`measure_models` has finished, by metric, x and y."""
    for metric in request.metrics:
        for x in xs:
            for y in ys:
                meta, arrays = store.read(request.cell(metric, x, y).hash)
                yield PairResult(metric, x, y, arrays["scores"], arrays["null"], meta["notes"])


def ranked(pairs: Sequence[PairResult]) -> list[PairResult]:
    """Those of one metric that have a score, most alike first.

    Where a directory is measured with itself, without what goes without saying: a model with itself
    (unless there is nothing else), and the second of two models that score the same both ways.
    """
    defined = [pair for pair in pairs if pair.best]
    others = [pair for pair in defined if not pair.is_with_itself]
    kept: dict[tuple[Path, Path], PairResult] = {}
    for pair in others or defined:
        x, y = pair.x.path.resolve(), pair.y.path.resolve()
        mirrored = kept.get((y, x))
        # Some metrics sum in another order then.
        if x == y or mirrored is None or not math.isclose(mirrored.score, pair.score, rel_tol=1e-9):
            kept[x, y] = pair
    return sorted(
        kept.values(), key=lambda pair: pair.score if pair.metric.is_distance else -pair.score
    )


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
