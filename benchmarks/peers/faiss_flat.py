"""faiss: exhaustive inner-product search over unit rows."""

from __future__ import annotations

import numpy as np

from .peer import Peer
from .problem import NEIGHBORS, shared


def neighbors(x: np.ndarray) -> np.ndarray:
    import faiss

    rows = x / np.linalg.norm(x, axis=1, keepdims=True)
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(rows)
    _, found = index.search(rows, NEIGHBORS + 1)
    # A row is dropped by its number, wherever it stands; where it is missing, the last one goes.
    own = found == np.arange(len(x))[:, None]
    own[~own.any(axis=1), -1] = True
    return found[~own].reshape(len(x), NEIGHBORS)


def mutual_knn(x: np.ndarray, y: np.ndarray) -> float:
    return shared(neighbors(x), neighbors(y))


def set_threads(count: int) -> None:
    import faiss

    faiss.omp_set_num_threads(count)


PEER = Peer(
    name="faiss IndexFlatIP",
    distribution="faiss-cpu",
    computes="float32 products of unit rows by blocks, heaps; each pair met twice",
    operations={"mutual_knn": mutual_knn},
    set_threads=set_threads,
)
