"""torch: the whole n x n similarity matrix, then topk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .peer import Peer
from .problem import NEIGHBORS, shared

if TYPE_CHECKING:
    import torch


def similarities(x: np.ndarray) -> torch.Tensor:
    import torch

    rows = torch.nn.functional.normalize(torch.from_numpy(x), dim=1)
    return (rows @ rows.T).fill_diagonal_(-2)


def mutual_knn(x: np.ndarray, y: np.ndarray) -> float:
    in_x, in_y = (similarities(z).topk(NEIGHBORS, dim=1).indices for z in (x, y))
    return shared(in_x.numpy(), in_y.numpy())


PEER = Peer(
    name="torch n x n, topk",
    distribution="torch",
    computes="float32 products of unit rows, all n x n kept; topk of every row",
    operations={"mutual_knn": mutual_knn},
)
