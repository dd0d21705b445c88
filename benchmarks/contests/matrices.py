"""All pairs of twelve layers beside the parts they are made of, all of them ours."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from agreement import same_scores
from contest import Asked, Contender, Contest
from peers import OURS, mmkernels_native
from peers.problem import shared

from . import data, work
from .scores import bandwidth

LAYERS = 12
NEIGHBORS = 10
LISTS = "the 12 neighbour lists alone"
CALLS = "144 separate calls (12 timed)"
# One pair in twelve is a layer with itself, as among all 144; every layer is met twice.
PAIRS = [(0, 0)] + [(i, 1 + i % (LAYERS - 1)) for i in range(1, LAYERS)]
# Both sides are ours, in float32 tiles or in feature space.
SCORE_TOLERANCE = 1e-5


def lists(layers: list[np.ndarray]) -> list[np.ndarray]:
    return [mmkernels_native.neighbors(x, NEIGHBORS) for x in layers]


def overlaps(layers: list[np.ndarray]) -> np.ndarray:
    import mmkernels

    return mmkernels.mutual_knn_matrix(layers, k=NEIGHBORS)


def compare_overlaps(_: Any, answers: dict[str, Any]) -> dict[str, Any]:
    found = answers[LISTS]
    expected = [[shared(a, b) for b in found] for a in found]
    return {LISTS: same_scores(expected, answers[OURS.name], 1e-12)}


def options(kernel: str, layers: list[np.ndarray]) -> dict[str, Any]:
    return {"kernel": kernel, "sigma": bandwidth(layers[0]) if kernel == "rbf" else None}


def alignments(kernel: str, layers: list[np.ndarray]) -> np.ndarray:
    import mmkernels

    return mmkernels.cka_matrix(layers, **options(kernel, layers))


def separate(kernel: str, layers: list[np.ndarray]) -> list[float]:
    import mmkernels

    chosen = options(kernel, layers)
    return [float(mmkernels.cka(layers[i], layers[j], **chosen)) for i, j in PAIRS]


def compare_alignments(_: Any, answers: dict[str, Any]) -> dict[str, Any]:
    ours = [answers[OURS.name][pair] for pair in PAIRS]
    return {CALLS: same_scores(answers[CALLS], ours, SCORE_TOLERANCE)}


def cka_matrix(kernel: str, multiply_adds: Any) -> Contest:
    return Contest(
        key=f"cka_matrix {kernel}",
        section="engine",
        what=f"cka_matrix {kernel}, 12 x 12",
        n=4096,
        d=768,
        inputs=data.layers,
        contenders=(
            Contender(OURS.name, OURS, partial(alignments, kernel)),
            Contender(CALLS, OURS, partial(separate, kernel), parts=LAYERS**2 // len(PAIRS)),
        ),
        compare=compare_alignments,
        multiply_adds=multiply_adds,
        asked=Asked(20),
        representations=LAYERS,
    )


CONTESTS = (
    Contest(
        key="mutual_knn_matrix",
        section="engine",
        what="mutual_knn_matrix, 12 x 12",
        n=4096,
        d=768,
        k=NEIGHBORS,
        inputs=data.layers,
        contenders=(Contender(OURS.name, OURS, overlaps), Contender(LISTS, OURS, lists)),
        compare=compare_overlaps,
        multiply_adds=lambda n, d: LAYERS * work.pairs(n, d),
        asked=Asked(1.3, at_most=True),
        representations=LAYERS,
    ),
    cka_matrix("linear", partial(work.linear, representations=LAYERS)),
    cka_matrix("rbf", lambda n, d: LAYERS * work.pairs(n, d)),
)
