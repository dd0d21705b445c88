"""Kernel matrices, HSIC and CKA."""

from __future__ import annotations

import numpy as np

from .neighbors import squared_distances


def median_distance(x):
    """Median of the n (n - 1) / 2 Euclidean distances between different samples."""
    x = np.asarray(x, np.float64)
    x = x - x.mean(axis=0)
    return float(np.median(np.sqrt(squared_distances(x, x)[np.triu_indices(len(x), 1)])))


def gram(x, *, kernel="linear", sigma=None):
    """(n, n) kernel matrix: x x' of centred features, or exp(-|x_i - x_j|^2 / (2 sigma^2))."""
    x = np.asarray(x, np.float64)
    x = x - x.mean(axis=0)
    if kernel == "linear":
        return x @ x.T
    bandwidth = median_distance(x) if sigma is None or sigma == "median" else sigma
    return np.exp(-squared_distances(x, x) / (2 * bandwidth**2))


def centered_gram(x, *, kernel="linear", sigma=None):
    """H K H with H = I - 1 1' / n."""
    return _centre(gram(x, kernel=kernel, sigma=sigma))


def _centre(matrix):
    return matrix - matrix.mean(axis=0) - matrix.mean(axis=1, keepdims=True) + matrix.mean()


def hsic_from_grams(k, l, unbiased=True):  # noqa: E741 - K and L are the names of the literature
    """tr(K H L H) / (n - 1)^2 (Gretton 2005), or the U-statistic of Song 2012, equation 5."""
    n = len(k)
    if not unbiased:
        return float(np.sum(_centre(k) * _centre(l)) / (n - 1) ** 2)
    # A constant added to every entry changes nothing below; removing the mean keeps the digits.
    k, l = (m - (m.sum() - np.trace(m)) / (n * (n - 1)) for m in (k, l))  # noqa: E741
    np.fill_diagonal(k, 0.0)
    np.fill_diagonal(l, 0.0)
    total = np.sum(k * l) + k.sum() * l.sum() / ((n - 1) * (n - 2))
    return float((total - 2 * k.sum(axis=0) @ l.sum(axis=0) / (n - 2)) / (n * (n - 3)))


def hsic(x, y, *, kernel="linear", sigma=None, unbiased=True):
    """Hilbert-Schmidt independence criterion of two sets of features."""
    k, l = (gram(z, kernel=kernel, sigma=sigma) for z in (x, y))  # noqa: E741
    return hsic_from_grams(k, l, unbiased)


def cka(x, y, *, kernel="linear", sigma=None, unbiased=True):
    """HSIC(x, y) / sqrt(HSIC(x, x) HSIC(y, y)), nothing added, nothing clamped."""
    k, l = (gram(z, kernel=kernel, sigma=sigma) for z in (x, y))  # noqa: E741
    cross, self_k, self_l = (hsic_from_grams(*p, unbiased) for p in ((k, l), (k, k), (l, l)))
    return cross / np.sqrt(self_k * self_l)


def cka_matrix(xs, ys=None, *, kernel="linear", sigma=None, unbiased=True):
    """(len(xs), len(ys)) cka of every pair."""
    ys = xs if ys is None else ys
    options = {"kernel": kernel, "sigma": sigma, "unbiased": unbiased}
    return np.array([[cka(x, y, **options) for y in ys] for x in xs])
