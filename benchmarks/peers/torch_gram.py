"""torch: both n x n kernel matrices, then the unbiased estimate from them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .peer import Peer
from .problem import SIGMA

if TYPE_CHECKING:
    import torch


def linear(rows: torch.Tensor) -> torch.Tensor:
    rows = rows - rows.mean(dim=0)
    return (rows @ rows.T).fill_diagonal_(0)


def rbf(rows: torch.Tensor, sigma: float) -> torch.Tensor:
    import torch

    rows = rows - rows.mean(dim=0)
    squares = rows.square().sum(dim=1)
    distances = torch.addmm(squares[:, None] + squares, rows, rows.T, alpha=-2)
    return distances.clamp_(min=0).mul_(-1 / (2 * sigma**2)).exp_().fill_diagonal_(0)


def unbiased_hsic(k: torch.Tensor, l: torch.Tensor) -> float:  # noqa: E741 - the literature's name
    n = len(k)
    rows_k, rows_l = k.sum(dim=0).double(), l.sum(dim=0).double()
    total = (k * l).sum(dim=0).double().sum()
    total += rows_k.sum() * rows_l.sum() / ((n - 1) * (n - 2))
    return float((total - 2 / (n - 2) * (rows_k @ rows_l)) / (n * (n - 3)))


def cka(k: torch.Tensor, l: torch.Tensor) -> float:  # noqa: E741
    return unbiased_hsic(k, l) / math.sqrt(unbiased_hsic(k, k) * unbiased_hsic(l, l))


def cka_linear(x: np.ndarray, y: np.ndarray) -> float:
    import torch

    return cka(*(linear(torch.from_numpy(z)) for z in (x, y)))


def cka_rbf(x: np.ndarray, y: np.ndarray, sigma: float = SIGMA) -> float:
    import torch

    return cka(*(rbf(torch.from_numpy(z), sigma) for z in (x, y)))


PEER = Peer(
    name="torch n x n kernels",
    distribution="torch",
    computes="the same estimate from two float32 n x n kernel matrices of centred features",
    operations={
        "cka linear": cka_linear,
        "cka rbf": cka_rbf,
    },
)
