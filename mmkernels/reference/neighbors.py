"""Neighbours and what two representations share of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class ReferenceNeighbors(NamedTuple):
    indices: np.ndarray
    scores: np.ndarray


def scores(queries, candidates, metric="cosine"):
    """(m, n) similarities: cosine, inner product, or minus the squared Euclidean distance."""
    a, b = np.asarray(queries, np.float64), np.asarray(candidates, np.float64)
    if metric == "cosine":
        a = a / np.linalg.norm(a, axis=1, keepdims=True)
        b = b / np.linalg.norm(b, axis=1, keepdims=True)
    if metric in ("cosine", "ip"):
        return a @ b.T
    centre = b.mean(axis=0)
    return -squared_distances(a - centre, b - centre)


def squared_distances(a, b):
    """(m, n) squared Euclidean distances, summed difference by difference."""
    return np.stack([((row - b) ** 2).sum(axis=1) for row in a])


def knn(x, k, *, metric="cosine", queries=None):
    """The k best candidates of each row: similarity descending, then index ascending."""
    similarity = scores(x if queries is None else queries, x, metric)
    if queries is None:
        np.fill_diagonal(similarity, -np.inf)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return ReferenceNeighbors(order, np.take_along_axis(similarity, order, axis=1))


def mutual_knn(x, y, *, k=10, metric="cosine"):
    """Mean share of the k nearest neighbours that a sample has in common in x and in y."""
    in_x, in_y = knn(x, k, metric=metric).indices, knn(y, k, metric=metric).indices
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(in_x, in_y, strict=True)]))


def mutual_knn_matrix(xs, ys=None, *, k=10, metric="cosine"):
    """(len(xs), len(ys)) mutual_knn of every pair."""
    ys = xs if ys is None else ys
    return np.array([[mutual_knn(x, y, k=k, metric=metric) for y in ys] for x in xs])
