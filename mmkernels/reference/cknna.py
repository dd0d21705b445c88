"""Centred kernel nearest-neighbour alignment, as its authors write it and as their code does."""

from __future__ import annotations

import numpy as np

from .neighbors import knn


def cknna(x, y, *, k=10, variant="paper", unbiased=True):
    """align(x, y) / sqrt(align(x, x) align(y, y)), over neighbours by inner product."""
    own = not unbiased  # a sample is then a candidate for its own list
    lists = [knn(z, k, metric="ip", queries=z if own else None).indices for z in (x, y)]
    return cknna_of_lists(x, y, *lists, variant=variant, unbiased=unbiased)


def cknna_of_lists(x, y, in_x, in_y, *, variant="paper", unbiased=True):
    """:func:`cknna` of two (n, k) arrays of neighbours."""
    # Powers of two: nothing is rounded, and squares of squares stay within range.
    x, y = (np.asarray(z, np.float64) for z in (x, y))
    x, y = (z * 2.0 ** -np.floor(np.log2(np.abs(z).max())) for z in (x, y))
    mask_x, mask_y = (_mask(z) for z in (in_x, in_y))
    if variant == "paper":
        kernels = [z @ (z - z.mean(axis=0)).T for z in (x, y)]
        align = _shared_product
    else:
        kernels = [z @ z.T for z in (x, y)]
        align = _unbiased_hsic if unbiased else _biased_hsic
    of_x, of_y = mask_x * kernels[0], mask_y * kernels[1]
    both = align(mask_y * of_x, mask_x * of_y)
    return float(both / np.sqrt(align(of_x, of_x) * align(of_y, of_y)))


def _mask(indices):
    """(n, n) 1 where column j is among the neighbours of row i, else 0."""
    mask = np.zeros((len(indices), len(indices)))
    np.put_along_axis(mask, np.asarray(indices), 1.0, axis=1)
    return mask


def _shared_product(a, b):
    return np.sum(a * b)


def _unbiased_hsic(a, b):
    """Song et al. 2012, equation 5, of matrices that need not be symmetric."""
    n = len(a)
    total = np.sum(a * b.T) + a.sum() * b.sum() / ((n - 1) * (n - 2))
    return (total - 2 * np.sum(a @ b) / (n - 2)) / (n * (n - 3))


def _biased_hsic(a, b):
    """tr(A H B H)."""
    centre = np.eye(len(a)) - 1 / len(a)
    return np.trace(a @ centre @ b @ centre)
