"""Data that is hard on a search that keeps the best so far, beside random data of the same size."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from agreement import exact_neighbors
from contest import Asked, Contender, Contest
from peers import OURS, mmkernels_native

from . import data, work

NEIGHBORS = 10
RANDOM = "mmkernels, random data"
# By the tests' data set: what is hard about it, and the metrics in which it is.
HARD = {
    "growing": ("columns sorted by similarity", ("cosine", "ip", "l2")),
    "hubs": ("three rows near to all", ("cosine", "ip")),
    "duplicated": ("every row four times", ("cosine", "l2")),
    "heavy_tailed": ("Cauchy lengths", ("ip", "l2")),
}


def inputs(name: str, n: int, d: int) -> dict[str, np.ndarray]:
    return {OURS.name: getattr(data.awkward(), name)(n, d), RANDOM: data.gaussian(n, d)}


def compare(metric: str, given: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    return {name: exact_neighbors(given[name], found, metric) for name, found in answers.items()}


def contender(name: str, metric: str) -> Contender:
    return Contender(
        name, OURS, lambda given: mmkernels_native.neighbors(given[name], NEIGHBORS, metric)
    )


def contest(name: str, hardness: str, metric: str) -> Contest:
    return Contest(
        key=f"order {name} {metric}",
        section="engine",
        what=f"knn {metric}, {hardness}",
        n=20_000,
        d=256,
        k=NEIGHBORS,
        inputs=partial(inputs, name),
        contenders=(contender(OURS.name, metric), contender(RANDOM, metric)),
        compare=partial(compare, metric),
        multiply_adds=work.pairs,
        asked=Asked(3, at_most=True),
        most_rounds=3,
    )


CONTESTS = tuple(
    contest(name, hardness, metric)
    for name, (hardness, metrics) in HARD.items()
    for metric in metrics
)
