"""torch: linear CKA in feature space, three float32 products of d x n by n x d."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .peer import Peer

if TYPE_CHECKING:
    import torch


def products(x: np.ndarray, y: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """X'Y, X'X and Y'Y."""
    import torch

    a, b = torch.from_numpy(x), torch.from_numpy(y)
    return a.T @ b, a.T @ a, b.T @ b


def unbiased_hsic(product: torch.Tensor, squares_x: torch.Tensor, squares_y: torch.Tensor) -> float:
    """From X'Y and the squared norms of centred rows."""
    n = len(squares_x)
    total = product.square().sum(dim=0).double().sum()
    total -= n / (n - 2) * (squares_x @ squares_y)
    total += squares_x.sum() * squares_y.sum() / ((n - 1) * (n - 2))
    return float(total / (n * (n - 3)))


def cka_from_products(
    x: np.ndarray, y: np.ndarray, xy: torch.Tensor, xx: torch.Tensor, yy: torch.Tensor
) -> float:
    import torch

    a, b = (torch.from_numpy(z).square().sum(dim=1).double() for z in (x, y))
    return unbiased_hsic(xy, a, b) / math.sqrt(unbiased_hsic(xx, a, a) * unbiased_hsic(yy, b, b))


def cka_linear(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return cka_from_products(x, y, *products(x, y))


PEER = Peer(
    name="torch feature space",
    distribution="torch",
    computes="the same estimate from X'Y, X'X and Y'Y in float32 of centred features",
    operations={"cka linear": cka_linear},
)
