"""torch: unbiased RBF CKA in the steps of the platonic-rep metrics file (Huh et al. 2024).

Distances by `torch.cdist`, a copy of each kernel matrix without its diagonal for each of the
three HSIC, the sum over rows of products of both kernels as a whole n x n x n product, all in
float32, and 1e-6 added to the denominator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .peer import Peer
from .problem import SIGMA

if TYPE_CHECKING:
    import torch

# Its float32 sums, and what it adds to the denominator.
TOLERANCE = 1e-2


def kernel_matrix(x: np.ndarray, sigma: float) -> torch.Tensor:
    import torch

    rows = torch.from_numpy(x)
    return (torch.cdist(rows, rows).square() / (-2 * sigma**2)).exp()


def unbiased_hsic(k: torch.Tensor, l: torch.Tensor) -> torch.Tensor:  # noqa: E741 - as in the literature
    n = len(k)
    k, l = k.clone().fill_diagonal_(0), l.clone().fill_diagonal_(0)  # noqa: E741
    by_element = (k * l.T).sum()
    by_sums = k.sum() * l.sum() / ((n - 1) * (n - 2))
    by_rows = 2 * k.mm(l).sum() / (n - 2)
    return (by_element + by_sums - by_rows) / (n * (n - 3))


def cka_rbf(x: np.ndarray, y: np.ndarray, sigma: float = SIGMA) -> float:
    k, l = kernel_matrix(x, sigma), kernel_matrix(y, sigma)  # noqa: E741
    own = unbiased_hsic(k, k) * unbiased_hsic(l, l)
    return float(unbiased_hsic(k, l) / (own.sqrt() + 1e-6))


PEER = Peer(
    name="torch as platonic-rep",
    distribution="torch",
    computes="float32 kernel matrices by cdist; each HSIC with an n x n x n product",
    operations={"cka rbf": cka_rbf},
)
