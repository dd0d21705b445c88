"""The engine's results as PyTorch operators ``mmkernels::*``; they have no gradient.

A compiled graph holds each as one node. What the values decide (NaN, zero rows) is checked when
the node runs, what the shapes decide when it is traced too.
"""

# No postponed annotations: torch reads the operators' schemas from them.
from typing import Any, NamedTuple

import torch
from torch import Tensor

import mmkernels


@torch.library.custom_op("mmkernels::knn", mutates_args=())
def _knn(x: Tensor, k: int, metric: str, queries: Tensor | None) -> tuple[Tensor, Tensor]:
    return tuple(mmkernels.knn(x, k, metric=metric, queries=queries))


@_knn.register_fake
def _(x, k, metric, queries):
    rows = (x if queries is None else queries).shape[0]
    return x.new_empty((rows, k), dtype=torch.int64), x.new_empty((rows, k), dtype=torch.float64)


@torch.library.custom_op("mmkernels::mutual_knn", mutates_args=())
def _mutual_knn(x: Tensor, y: Tensor, k: int, metric: str, zero_rows: str) -> Tensor:
    return mmkernels.mutual_knn(x, y, k=k, metric=metric, zero_rows=zero_rows)


@torch.library.custom_op("mmkernels::cka", mutates_args=())
def native_cka(x: Tensor, y: Tensor, kernel: str, sigma: float | None, estimator: str) -> Tensor:
    with torch.no_grad():
        return mmkernels.cka(x, y, kernel=kernel, sigma=sigma, estimator=estimator)


@torch.library.custom_op("mmkernels::hsic", mutates_args=())
def native_hsic(x: Tensor, y: Tensor, kernel: str, sigma: float | None, estimator: str) -> Tensor:
    with torch.no_grad():
        return mmkernels.hsic(x, y, kernel=kernel, sigma=sigma, estimator=estimator)


@torch.library.custom_op("mmkernels::median_distance", mutates_args=())
def median_distance(x: Tensor) -> Tensor:
    """The median bandwidth of x as a float64 scalar where x is; 1 where all rows are equal."""
    sigma = mmkernels.prepare_gram(x.cpu(), kernel="rbf", sigma="median").sigma
    return torch.tensor(sigma or 1.0, dtype=torch.float64, device=x.device)


def _fake_scalar(x, *_):
    return x.new_empty((), dtype=torch.float64)


for _operator in (_mutual_knn, native_cka, native_hsic, median_distance):
    _operator.register_fake(_fake_scalar)


def require_tensors(**arguments: Any) -> None:
    for name, value in arguments.items():
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{name} must be a torch.Tensor; it is of type {type(value).__name__}. The "
                "functions of mmkernels itself take other arrays."
            )


class NeighborTensors(NamedTuple):
    """The k nearest neighbours of every row, best first: (n, k) int64 and (n, k) float64."""

    indices: Tensor
    scores: Tensor


def knn(
    x: Tensor, k: int, *, metric: str = "cosine", queries: Tensor | None = None
) -> NeighborTensors:
    """:func:`mmkernels.knn` of tensors as one operator, ``mmkernels::knn``; without a gradient.

    >>> mmkernels.torch.knn(torch.eye(4) + 0.1, 1).indices.shape
    torch.Size([4, 1])
    """
    require_tensors(x=x, **({} if queries is None else {"queries": queries}))
    queries = None if queries is None else queries.detach()
    return NeighborTensors(*_knn(x.detach(), k, metric, queries))


def mutual_knn(
    x: Tensor, y: Tensor, *, k: int = 10, metric: str = "cosine", zero_rows: str = "raise"
) -> Tensor:
    """:func:`mmkernels.mutual_knn` of tensors as one operator; without a gradient.

    >>> mmkernels.torch.mutual_knn(torch.eye(4) + 0.1, torch.eye(4) + 0.1, k=1)
    tensor(1., dtype=torch.float64)
    """
    require_tensors(x=x, y=y)
    return _mutual_knn(x.detach(), y.detach(), k, metric, zero_rows)
