"""Kernel matrices, HSIC and CKA."""

from __future__ import annotations

import numpy as np

from .neighbors import squared_distances


def median_distance(x):
    """Median of the n (n - 1) / 2 Euclidean distances between different samples."""
    x = np.asarray(x, np.float64)
    x = x - x.mean(axis=0)
    return float(np.median(np.sqrt(squared_distances(x, x)[np.triu_indices(len(x), 1)])))


def gram(x, *, kernel="linear", sigma=None, degree=3, offset=1.0, gamma=None):
    """(n, n) kernel matrix; see `mmkernels.prepare_gram` for the formulas.

    Features are centred first where that adds to K_ij no more than terms of i and of j alone,
    which no centred quantity sees.
    """
    x = np.asarray(x, np.float64)
    if kernel == "precomputed":
        return x
    if kernel == "polynomial":
        return ((1 / x.shape[1] if gamma is None else gamma) * (x @ x.T) + offset) ** degree
    if kernel == "cosine":
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
    x = x - x.mean(axis=0)
    if kernel in ("linear", "cosine"):
        return x @ x.T
    squared = squared_distances(x, x)
    if kernel == "distance":
        return -np.sqrt(squared)
    bandwidth = median_distance(x) if sigma is None or sigma == "median" else sigma
    if kernel == "laplacian":
        return np.exp(-np.sqrt(squared) / bandwidth)
    return np.exp(-squared / (2 * bandwidth**2))


def centered_gram(x, *, kernel="linear", sigma=None):
    """H K H with H = I - 1 1' / n."""
    return centre(gram(x, kernel=kernel, sigma=sigma))


def centre(matrix):
    """Less the means of its rows and of its columns, plus the mean of all."""
    return matrix - matrix.mean(axis=0) - matrix.mean(axis=1, keepdims=True) + matrix.mean()


def hsic_from_grams(k, l, unbiased=True, estimator=None):  # noqa: E741 - K and L, as in the papers
    """One of three estimates, by the name of who proposed it.

    "gretton" (2005): tr(K H L H) / (n - 1)^2. "song" (2012, equation 5): the U-statistic, of
    the entries off the diagonals. "lange" (2023): the entries off the diagonals of H K H and H L H.
    """
    n = len(k)
    estimator = estimator or ("song" if unbiased else "gretton")
    if estimator == "gretton":
        return float(np.sum(centre(k) * centre(l)) / (n - 1) ** 2)
    if estimator == "lange":
        return float(np.sum((centre(k) * centre(l))[~np.eye(n, dtype=bool)]) / (n * (n - 3)))
    # A constant added to every entry changes nothing below; removing the mean keeps the digits.
    k, l = (m - (m.sum() - np.trace(m)) / (n * (n - 1)) for m in (k, l))  # noqa: E741
    np.fill_diagonal(k, 0.0)
    np.fill_diagonal(l, 0.0)
    total = np.sum(k * l) + k.sum() * l.sum() / ((n - 1) * (n - 2))
    return float((total - 2 * k.sum(axis=0) @ l.sum(axis=0) / (n - 2)) / (n * (n - 3)))


def cka_from_grams(k, l, unbiased=True, estimator=None):  # noqa: E741
    """HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)), nothing added, nothing clamped."""
    pairs = ((k, l), (k, k), (l, l))
    cross, self_k, self_l = (hsic_from_grams(*pair, unbiased, estimator) for pair in pairs)
    return cross / np.sqrt(self_k * self_l)


def hsic(x, y, *, kernel="linear", sigma=None, unbiased=True, estimator=None):
    """Hilbert-Schmidt independence criterion of two sets of features."""
    k, l = (gram(z, kernel=kernel, sigma=sigma) for z in (x, y))  # noqa: E741
    return hsic_from_grams(k, l, unbiased, estimator)


def cka(x, y, *, kernel="linear", sigma=None, unbiased=True, estimator=None):
    """Centred kernel alignment of two sets of features."""
    k, l = (gram(z, kernel=kernel, sigma=sigma) for z in (x, y))  # noqa: E741
    return cka_from_grams(k, l, unbiased, estimator)


def cka_matrix(xs, ys=None, **options):
    """(len(xs), len(ys)) cka of every pair."""
    ys = xs if ys is None else ys
    return np.array([[cka(x, y, **options) for y in ys] for x in xs])


def cmd(x, y, *, centered=False):
    """tr(K L) / (|K|_F |L|_F) for K = X X' and L = Y Y', of features as given or centred."""
    x, y = (np.asarray(z, np.float64) for z in (x, y))
    if centered:
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    k, l = x @ x.T, y @ y.T  # noqa: E741
    return float(np.sum(k * l) / (np.linalg.norm(k) * np.linalg.norm(l)))
