"""Exact neighbours beside faiss: rows of unit length given to both, so that neither need scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from agreement import common_neighbors, exact_neighbors
from contest import Asked, Contender, Contest
from peers import OURS, faiss_flat, mmkernels_native

from . import data, work

NO_PREFIX = "mmkernels, no prefix"


def compare(x: np.ndarray, answers: dict[str, np.ndarray]) -> dict[str, Any]:
    verdicts = {}
    for name, found in answers.items():
        if name == faiss_flat.PEER.name:
            verdicts[name] = common_neighbors(found, answers[OURS.name])
        else:
            verdicts[name] = exact_neighbors(x, found)
    return verdicts


def ours(k: int, name: str = OURS.name, **environment: str) -> Contender:
    return Contender(name, OURS, lambda x: mmkernels_native.neighbors(x, k), environment)


def against_faiss(
    key: str,
    what: str,
    asked: float,
    inputs: Callable[[int, int], np.ndarray] = data.unit_gaussian,
    n: int = 20_000,
    d: int = 1024,
    k: int = 10,
    **others: Any,
) -> Contest:
    faiss = Contender(faiss_flat.PEER.name, faiss_flat.PEER, lambda x: faiss_flat.neighbors(x, k))
    return Contest(
        key=key,
        section="engine",
        what=what,
        n=n,
        d=d,
        k=k,
        inputs=inputs,
        contenders=(ours(k), faiss),
        compare=compare,
        multiply_adds=work.pairs,
        asked=Asked(asked),
        **others,
    )


CONTESTS = (
    against_faiss("knn", "knn", 3.5),
    against_faiss(
        "knn avx512", "knn, no bfloat16 hardware", 1.9, environment={"MMKERNELS_ISA": "avx512"}
    ),
    against_faiss("knn mnist", "knn, MNIST pixels", 7, data.unit_mnist, n=5000, d=784),
    against_faiss("knn decaying", "knn, standard deviation 1/i", 7, data.unit_decaying),
    Contest(
        key="knn flat",
        section="engine",
        what="knn, flat spectrum, with and without the prefix",
        n=20_000,
        d=1024,
        k=10,
        inputs=data.unit_gaussian,
        contenders=(ours(10), ours(10, NO_PREFIX, MMKERNELS_PREFIX="off")),
        compare=compare,
        multiply_adds=work.pairs,
        asked=Asked(1.05, at_most=True),
    ),
    against_faiss("knn k 100", "knn, k = 100", 2, k=100),
    against_faiss("knn n 1024", "knn, n = 1,024", 2.5, n=1024),
    against_faiss("knn d 64", "knn, D = 64", 1.5, d=64),
    against_faiss(
        "knn avx2",
        "knn, both held to AVX2",
        1.8,
        environment={"MMKERNELS_ISA": "avx2", **faiss_flat.HELD_TO_AVX2},
        premise=faiss_flat.not_held_to_avx2,
    ),
)
