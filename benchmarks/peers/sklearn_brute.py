"""scikit-learn: brute-force neighbours of unit rows, whose Euclidean order is the cosine's."""

from __future__ import annotations

import numpy as np

from .peer import Peer
from .problem import NEIGHBORS, shared


def neighbors(x: np.ndarray) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    rows = x / np.linalg.norm(x, axis=1, keepdims=True)
    search = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute", metric="euclidean")
    return search.fit(rows).kneighbors(return_distance=False)


def mutual_knn(x: np.ndarray, y: np.ndarray) -> float:
    return shared(neighbors(x), neighbors(y))


PEER = Peer(
    name="scikit-learn brute",
    distribution="scikit-learn",
    computes="float32 rows, float64 chunks of distances, heaps; each pair met twice",
    operations={"mutual_knn": mutual_knn},
)
