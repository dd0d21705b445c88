"""torch: the whole n x n similarity matrix, sorted whole, as in the platonic-rep metrics file."""

from __future__ import annotations

import numpy as np

from .peer import Peer
from .problem import NEIGHBORS, shared
from .torch_topk import similarities


def mutual_knn(x: np.ndarray, y: np.ndarray) -> float:
    in_x, in_y = (similarities(z).argsort(dim=1, descending=True)[:, :NEIGHBORS] for z in (x, y))
    return shared(in_x.numpy(), in_y.numpy())


PEER = Peer(
    name="torch n x n, argsort",
    distribution="torch",
    computes="float32 products of unit rows, all n x n kept; every row sorted to its end",
    operations={"mutual_knn": mutual_knn},
)
