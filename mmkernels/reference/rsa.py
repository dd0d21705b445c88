"""Dissimilarities of all pairs of samples, and coefficients that compare two lists of them."""

from __future__ import annotations

import numpy as np


def dissimilarities(x, distance="correlation"):
    """The n (n - 1) / 2 values above the diagonal, row by row."""
    x = np.asarray(x, np.float64)
    if distance == "correlation":
        x = x - x.mean(axis=1, keepdims=True)
    if distance in ("correlation", "cosine"):
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
    difference = x[:, None] - x[None]
    if distance == "cityblock":
        matrix = np.abs(difference).sum(axis=2)
    else:
        matrix = (difference**2).sum(axis=2)
    if distance == "euclidean":
        matrix = np.sqrt(matrix)
    elif distance in ("correlation", "cosine"):
        matrix = matrix / 2
    return matrix[np.triu_indices(len(x), 1)]


def steps(values):
    """Whole numbers in the order of the values, equal where these differ by rounding only."""
    largest = np.abs(values).max()
    if largest == 0:
        return values
    values = np.rint(values / largest * 2.0**44)
    levels = np.unique(values)
    gaps = np.diff(levels, prepend=-np.inf, append=np.inf)
    # Two steps that stand alone are one value that lies near the middle between them.
    upper = levels[1:][(gaps[1:-1] == 1) & (gaps[:-2] > 1) & (gaps[2:] > 1)]
    return values - np.isin(values, upper)


def average_ranks(values):
    """1 for the smallest; equal values share the mean of the ranks they take up."""
    values = np.asarray(values)
    below = np.sort(values).searchsorted(values, "left")
    not_above = np.sort(values).searchsorted(values, "right")
    return (below + not_above + 1) / 2


def coefficient(a, b, compare="spearman"):
    """Pearson, cosine, Spearman, Kendall's tau-b and tau-a, or the tie-averaged rho-a."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if compare == "cosine":
        return float(a @ b / np.sqrt((a @ a) * (b @ b)))
    if compare in ("kendall", "tau-a"):
        order_a, order_b = (np.sign(z[:, None] - z[None]) for z in (a, b))
        agreement = np.sum(order_a * order_b)
        if compare == "tau-a":
            return float(agreement / (len(a) * (len(a) - 1)))
        return float(agreement / np.sqrt(np.sum(order_a**2) * np.sum(order_b**2)))
    if compare != "pearson":
        a, b = average_ranks(a), average_ranks(b)
    a, b = a - a.mean(), b - b.mean()
    if compare == "rho-a":
        return float(12 * (a @ b) / (len(a) ** 3 - len(a)))
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def rsa(x, y, *, distance="correlation", compare="spearman"):
    """Coefficient of the dissimilarities of x with those of y; ranks are of rounded distances."""
    a, b = dissimilarities(x, distance), dissimilarities(y, distance)
    if compare not in ("pearson", "cosine"):
        if distance not in ("euclidean", "cityblock"):
            a, b = np.sqrt(a), np.sqrt(b)
        a, b = steps(a), steps(b)
    return coefficient(a, b, compare)
