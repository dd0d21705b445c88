"""Stands in for platonic-rep's ``metrics.py``: same names, arguments and defaults.

``import mmkernels.compat.platonic as metrics`` is the one change a script needs. The numbers are
the right ones: where that code rounds, adds an epsilon, draws at random or departs from its paper,
``strict=True`` gives what it gives (docs/platonic-rep.md lists the differences). Features are
(n, d) tensors; those on a GPU are copied to the host.

>>> import torch
>>> x = torch.eye(6) + 0.1
>>> AlignmentMetrics.measure("mutual_knn", x, x, topk=3)
1.0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import mmkernels

from .._native import _cpu
from .._warn import warn
from . import _platonic_strict as strictly

Tensor = torch.Tensor
_EITHER = "kernel_metric must be 'ip' or 'rbf'; it is {!r}."


class AlignmentMetrics:
    """The eight metrics, called by name through :meth:`measure`.

    Neighbours are by inner product of the features as given (normalise the rows for cosines),
    ``topk`` of them; a zero row has none, and a RuntimeWarning says so. Each takes
    ``strict=False``.

    >>> x = torch.arange(12.0).reshape(4, 3)
    >>> round(AlignmentMetrics.unbiased_cka(x, 2 * x + 1), 6)
    1.0
    """

    SUPPORTED_METRICS = (
        "cycle_knn",
        "mutual_knn",
        "lcs_knn",
        "cka",
        "unbiased_cka",
        "cknna",
        "svcca",
        "edit_distance_knn",
    )

    @staticmethod
    def measure(metric: str, *args: Any, **kwargs: Any) -> Any:
        """The metric of that name; ValueError if there is none."""
        if metric not in AlignmentMetrics.SUPPORTED_METRICS:
            names = ", ".join(AlignmentMetrics.SUPPORTED_METRICS)
            raise ValueError(f"There is no metric {metric!r}; there are {names}.")
        return getattr(AlignmentMetrics, metric)(*args, **kwargs)

    @staticmethod
    def cycle_knn(feats_A: Tensor, feats_B: Tensor, topk: int, *, strict: bool = False) -> float:
        """:func:`mmkernels.cycle_knn`: share of samples found again, A of B's neighbours."""
        a, b = _searched(strict, feats_A=feats_A, feats_B=feats_B)
        if strict:
            return strictly.cycle_knn(a, b, topk)
        return float(mmkernels.cycle_knn(a, b, k=topk, metric="ip"))

    @staticmethod
    def mutual_knn(feats_A: Tensor, feats_B: Tensor, topk: int, *, strict: bool = False) -> float:
        """:func:`mmkernels.mutual_knn`: mean share of neighbours in common."""
        a, b = _searched(strict, feats_A=feats_A, feats_B=feats_B)
        if strict:
            return strictly.mutual_knn(a, b, topk)
        return float(mmkernels.mutual_knn(a, b, k=topk, metric="ip"))

    @staticmethod
    def lcs_knn(feats_A: Tensor, feats_B: Tensor, topk: int, *, strict: bool = False) -> Tensor:
        """:func:`mmkernels.lcs_knn`: mean longest common subsequence, between 0 and topk."""
        a, b = _searched(strict, feats_A=feats_A, feats_B=feats_B)
        if strict:
            lists = (strictly.nearest(z, topk) for z in (a, b))
            return longest_ordinal_sequence(*lists).float().mean()
        return mmkernels.lcs_knn(a, b, k=topk, metric="ip")

    @staticmethod
    def edit_distance_knn(
        feats_A: Tensor, feats_B: Tensor, topk: int, *, strict: bool = False
    ) -> Tensor:
        """:func:`mmkernels.edit_distance_knn`: 1 less the mean edit distance over topk."""
        a, b = _searched(strict, feats_A=feats_A, feats_B=feats_B)
        if strict:
            lists = [strictly.nearest(z, topk).numpy() for z in (a, b)]
            distances = torch.from_numpy(_cpu.edit_distances(*lists)).double()
            return 1 - distances.mean() / lists[0].shape[1]
        return mmkernels.edit_distance_knn(a, b, k=topk, metric="ip")

    @staticmethod
    def cka(
        feats_A: Tensor,
        feats_B: Tensor,
        kernel_metric: str = "ip",
        rbf_sigma: float = 1.0,
        unbiased: bool = False,
        *,
        strict: bool = False,
    ) -> float:
        """:func:`mmkernels.cka`; strict adds 1e-6 to the denominator and works uncentred."""
        if kernel_metric not in ("ip", "rbf"):
            raise ValueError(_EITHER.format(kernel_metric))
        a, b = _host(feats_A, feats_B)
        if strict:
            return strictly.cka(a, b, kernel_metric, rbf_sigma, unbiased)
        linear = kernel_metric == "ip"
        kernel, sigma = ("linear", None) if linear else ("rbf", rbf_sigma)
        return float(mmkernels.cka(a, b, kernel=kernel, sigma=sigma, unbiased=unbiased))

    @staticmethod
    def unbiased_cka(*args: Any, **kwargs: Any) -> float:
        """:meth:`cka` of the unbiased estimates of HSIC."""
        kwargs["unbiased"] = True
        return AlignmentMetrics.cka(*args, **kwargs)

    @staticmethod
    def svcca(
        feats_A: Tensor, feats_B: Tensor, cca_dim: int = 10, *, strict: bool = False
    ) -> float:
        """:func:`mmkernels.svcca` of ``cca_dim`` directions; strict is random, needs scikit-learn.

        Seed torch and numpy to have the strict number again.
        """
        a, b = _host(feats_A, feats_B)
        if strict:
            return strictly.svcca(a, b, cca_dim)
        return float(mmkernels.svcca(a, b, components=cca_dim))

    @staticmethod
    def cknna(
        feats_A: Tensor,
        feats_B: Tensor,
        topk: int | None = None,
        distance_agnostic: bool = False,
        unbiased: bool = True,
        *,
        strict: bool = False,
    ) -> float:
        """:func:`mmkernels.cknna` as the paper defines it; topk None means n - 1.

        ``distance_agnostic`` counts the neighbours in common (which is mutual_knn) and ``unbiased``
        has no meaning in the paper's form; strict masks uncentred kernels.
        """
        a, b = _searched(strict, feats_A=feats_A, feats_B=feats_B)
        k = len(a) - 1 if topk is None else topk
        if k < 2:
            raise ValueError(f"topk must be at least 2; it is {k}.")
        if strict and (distance_agnostic or topk is None):
            raise ValueError("strict has no number here: the original raises for these arguments.")
        if strict:
            return strictly.cknna(a, b, k, unbiased)
        if distance_agnostic:
            return float(mmkernels.mutual_knn(a, b, k=k, metric="ip"))
        return float(mmkernels.cknna(a, b, k=k))


def hsic_unbiased(K: Tensor, L: Tensor, *, strict: bool = False) -> Tensor:
    """Unbiased HSIC of two symmetric (n, n) kernel matrices; strict works uncentred.

    >>> x = torch.arange(5.0)[:, None]
    >>> round(float(hsic_unbiased(x @ x.T, x @ x.T)), 6)
    5.166667
    """
    k, l = _host(K, L)  # noqa: E741 - K and L are the names of the literature
    if strict:
        return strictly.hsic_unbiased(k, l)
    return mmkernels.hsic(k, l, kernel="precomputed", unbiased=True)


def hsic_biased(K: Tensor, L: Tensor, *, strict: bool = False) -> Tensor:
    """tr(K H L H) of two symmetric (n, n) kernel matrices, not divided by (n - 1)^2.

    >>> x = torch.arange(5.0)[:, None]
    >>> round(float(hsic_biased(x @ x.T, x @ x.T)), 6)
    100.0
    """
    k, l = _host(K, L)  # noqa: E741
    if strict:
        return strictly.hsic_biased(k, l)
    return mmkernels.hsic(k, l, kernel="precomputed", unbiased=False) * (len(k) - 1) ** 2


def compute_knn_accuracy(knn: Tensor) -> Tensor:
    """Share of the samples i that occur in knn[i], an (n, ...) tensor of indices.

    >>> compute_knn_accuracy(torch.tensor([[0, 2], [2, 0]]))
    tensor(0.5000)
    """
    return strictly.knn_accuracy(knn)


def compute_nearest_neighbors(feats: Tensor, topk: int = 1, *, strict: bool = False) -> Tensor:
    """(n, topk) int64: the rows with the largest inner products, best first, self excluded.

    >>> compute_nearest_neighbors(torch.tensor([[1.0], [2.0], [3.0]])).tolist()
    [[2], [2], [1]]
    """
    (rows,) = _searched(strict, feats=feats)
    if strict:
        return strictly.nearest(rows, topk)
    return mmkernels.knn(rows, topk, metric="ip").indices


def longest_ordinal_sequence(X: Tensor, Y: Tensor) -> Tensor:
    """(n,) float64: length of the longest common subsequence of row i of X and row i of Y.

    X, Y : (n, k) indices, none of them twice in a row.

    >>> longest_ordinal_sequence(torch.tensor([[4, 7, 9]]), torch.tensor([[7, 4, 9]])).tolist()
    [2.0]
    """
    x, y = (np.ascontiguousarray(z.numpy(), np.int64) for z in _host(X, Y))
    if x.ndim != 2 or x.shape != y.shape:
        raise ValueError(f"X and Y must be (n, k) alike; their shapes are {x.shape} and {y.shape}.")
    for name, lists in (("X", x), ("Y", y)):
        ordered = np.sort(lists, axis=1)
        if (ordered[:, 1:] == ordered[:, :-1]).any():
            raise ValueError(f"{name} has an index twice in one row; lists of neighbours do not.")
    return torch.from_numpy(_cpu.common_subsequences(x, y)).double()


def compute_distance(X: Tensor, Y: Tensor, dist_fn: Callable[[Any, Any], float]) -> Tensor:
    """(n,) float64: dist_fn(row i of X, row i of Y), rows as numpy arrays, one after the other.

    >>> compute_distance(torch.tensor([[1, 2]]), torch.tensor([[1, 3]]), lambda a, b: sum(a != b))
    tensor([1.], dtype=torch.float64)
    """
    rows = zip(*(z.numpy() for z in _host(X, Y)), strict=True)
    return torch.tensor([float(dist_fn(a, b)) for a, b in rows], dtype=torch.float64)


def remove_outliers(
    feats: Tensor,
    q: float,
    exact: bool = False,
    max_threshold: float | None = None,
    *,
    strict: bool = False,
) -> Tensor:
    """Clamp the features to plus and minus a quantile of their absolute values.

    The q-th quantile of each sample, averaged over samples, or of all values when ``exact``; and
    at least ``max_threshold``, which strict computes and does not use. Any number of values
    (``torch.quantile`` takes 16 million).

    >>> remove_outliers(torch.tensor([[1.0, -2.0, 9.0]]), 0.5)
    tensor([[ 1., -2.,  2.]])
    """
    if q == 1:
        return feats
    if not 0 <= q < 1:
        raise ValueError(f"q must be between 0 and 1; it is {q!r}.")
    sizes = feats.abs().to(torch.promote_types(feats.dtype, torch.float32))
    if exact:
        flat = sizes.flatten()
        threshold = flat.kthvalue(int(q * flat.numel()) + 1).values
    else:
        flat = sizes.flatten(start_dim=1)
        threshold = torch.stack([_quantile(row, q) for row in flat]).mean()
    if max_threshold is not None and not strict:
        threshold = max(max_threshold, threshold)
    return feats.clamp(-float(threshold), float(threshold))


def _searched(strict: bool, **features: Tensor) -> list[Tensor]:
    """Those whose neighbours are asked for, on the host; warns of rows that have none."""
    rows = _host(*features.values())
    for name, side in zip(features, rows, strict=True):
        if strict or side.ndim != 2 or side.any(dim=1).all():
            continue
        warn(
            f"{name} has a zero row (row {int(side.any(dim=1).int().argmin())}; shape "
            f"{tuple(side.shape)}): all its inner products are 0, and its neighbours are the "
            "first rows; remove the sample from both sides."
        )
    return rows


def _host(*tensors: Tensor) -> list[Tensor]:
    return [torch.as_tensor(z).detach().cpu() for z in tensors]


def _quantile(row: Tensor, q: float) -> Tensor:
    """``torch.quantile``, which takes no more than 2^24 values, of any number."""
    if row.numel() <= 2**24:
        return torch.quantile(row, q)
    position = q * (row.numel() - 1)
    low = row.kthvalue(int(position) + 1).values
    high = row.kthvalue(min(int(position) + 2, row.numel())).values
    return torch.lerp(low, high, position % 1)
