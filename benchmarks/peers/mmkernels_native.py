"""This project."""

from __future__ import annotations

import numpy as np

from .peer import Peer
from .problem import NEIGHBORS, SIGMA


def mutual_knn(x: np.ndarray, y: np.ndarray) -> float:
    import mmkernels

    return float(mmkernels.mutual_knn(x, y, k=NEIGHBORS))


def cka_linear(x: np.ndarray, y: np.ndarray) -> float:
    import mmkernels

    return float(mmkernels.cka(x, y))


def cka_rbf(x: np.ndarray, y: np.ndarray) -> float:
    import mmkernels

    return float(mmkernels.cka(x, y, kernel="rbf", sigma=SIGMA))


def set_threads(count: int) -> None:
    import mmkernels

    mmkernels.set_num_threads(count)


PEER = Peer(
    name="mmkernels",
    distribution="mmkernels",
    computes="float32 tiles; neighbours ordered by float64; HSIC summed in float64",
    operations={"mutual_knn": mutual_knn, "cka linear": cka_linear, "cka rbf": cka_rbf},
    set_threads=set_threads,
)
