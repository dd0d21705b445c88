"""Procrustes: the best rotation of one cloud onto another."""

from __future__ import annotations

import numpy as np


def procrustes(x, y):
    """Sum of the singular values of X'Y, for centred X and Y of Frobenius norm 1."""
    return float(np.linalg.norm(_shape(x).T @ _shape(y), "nuc"))


def procrustes_distance(x, y):
    """Frobenius norm of X Q - Y for the best orthogonal Q, both padded to the same width."""
    x, y = _shape(x), _shape(y)
    width = max(x.shape[1], y.shape[1])
    x, y = (np.pad(z, ((0, 0), (0, width - z.shape[1]))) for z in (x, y))
    u, _, vt = np.linalg.svd(x.T @ y)
    return float(np.linalg.norm(x @ (u @ vt) - y))


def angular_shape_distance(x, y):
    """Angle whose cosine is the similarity."""
    return float(2 * np.arcsin(procrustes_distance(x, y) / 2))


def _shape(x):
    x = np.asarray(x, np.float64)
    x = x - x.mean(axis=0)
    return x / np.linalg.norm(x)
