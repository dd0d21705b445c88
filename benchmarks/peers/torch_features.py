"""torch: linear CKA in feature space, three float32 products of d x n by n x d."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .peer import Peer
from .torch_topk import set_threads

if TYPE_CHECKING:
    import torch


def unbiased_hsic(x: torch.Tensor, y: torch.Tensor) -> float:
    n = len(x)
    squares_x, squares_y = (z.square().sum(dim=1).double() for z in (x, y))
    total = (x.T @ y).square().sum(dim=0).double().sum()
    total -= n / (n - 2) * (squares_x @ squares_y)
    total += squares_x.sum() * squares_y.sum() / ((n - 1) * (n - 2))
    return float(total / (n * (n - 3)))


def cka_linear(x: np.ndarray, y: np.ndarray) -> float:
    import torch

    a, b = (torch.from_numpy(z) for z in (x, y))
    a, b = a - a.mean(dim=0), b - b.mean(dim=0)
    return unbiased_hsic(a, b) / math.sqrt(unbiased_hsic(a, a) * unbiased_hsic(b, b))


PEER = Peer(
    name="torch feature space",
    distribution="torch",
    computes="the same estimate from X'Y, X'X and Y'Y in float32 of centred features",
    operations={"cka linear": cka_linear},
    set_threads=set_threads,
)
