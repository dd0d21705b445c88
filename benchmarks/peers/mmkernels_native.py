"""This project."""

from __future__ import annotations

import numpy as np

from .peer import Peer
from .problem import NEIGHBORS, SIGMA


def neighbors(x: np.ndarray, k: int, metric: str = "cosine") -> np.ndarray:
    """(n, k) indices."""
    import mmkernels

    return mmkernels.knn(x, k, metric=metric).indices


def mutual_knn(x: np.ndarray, y: np.ndarray) -> float:
    import mmkernels

    return float(mmkernels.mutual_knn(x, y, k=NEIGHBORS))


def cka_linear(x: np.ndarray, y: np.ndarray) -> float:
    import mmkernels

    return float(mmkernels.cka(x, y))


def cka_rbf(x: np.ndarray, y: np.ndarray, sigma: float = SIGMA) -> float:
    import mmkernels

    return float(mmkernels.cka(x, y, kernel="rbf", sigma=sigma))


PEER = Peer(
    name="mmkernels",
    distribution="mmkernels",
    computes="float32 tiles; neighbours ordered by float64; HSIC summed in float64",
    operations={"mutual_knn": mutual_knn, "cka linear": cka_linear, "cka rbf": cka_rbf},
)
