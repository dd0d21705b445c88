"""Centred kernel nearest-neighbour alignment, as its authors write it and as their code does."""

from __future__ import annotations

import numpy as np

from .neighbors import knn


def cknna(x, y, *, k=10, variant="paper", unbiased=True):
    """align(x, y) / sqrt(align(x, x) align(y, y)), over neighbours by inner product."""
    align = _align_paper if variant == "paper" else _align_reference
    x, y = (np.asarray(z, np.float64) for z in (x, y))
    # Powers of two: nothing is rounded, and squares of squares stay within range.
    x, y = (z * 2.0 ** -np.floor(np.log2(np.abs(z).max())) for z in (x, y))
    own = align(x, x, k, unbiased) * align(y, y, k, unbiased)
    return float(align(x, y, k, unbiased) / np.sqrt(own))


def _mask(x, k, self_allowed=False):
    """(n, n) 1 where column j is among the k neighbours of row i, else 0."""
    indices = knn(x, k, metric="ip", queries=x if self_allowed else None).indices
    mask = np.zeros((len(x), len(x)))
    np.put_along_axis(mask, indices, 1.0, axis=1)
    return mask


def _align_paper(x, y, k, _):
    """Sum of the products of kernels less their row means, over neighbours in both."""
    centred = [z @ (z - z.mean(axis=0)).T for z in (x, y)]
    return np.sum(_mask(x, k) * _mask(y, k) * centred[0] * centred[1])


def _align_reference(x, y, k, unbiased):
    """HSIC of the kernels, neither centred nor symmetric once all but neighbours in both are 0."""
    n = len(x)
    mask = _mask(x, k, not unbiased) * _mask(y, k, not unbiased)
    a, b = mask * (x @ x.T), mask * (y @ y.T)
    if not unbiased:
        centre = np.eye(n) - 1 / n
        return np.trace(a @ centre @ b @ centre)
    total = np.sum(a * b.T) + a.sum() * b.sum() / ((n - 1) * (n - 2))
    return (total - 2 * np.sum(a @ b) / (n - 2)) / (n * (n - 3))
