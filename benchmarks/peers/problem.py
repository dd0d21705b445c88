"""What all contenders are asked: mutual nearest neighbours, and unbiased CKA with two kernels."""

from __future__ import annotations

import math

import numpy as np

FEATURES = 768
NEIGHBORS = 10
# About the median distance of features of variance 1.
SIGMA = math.sqrt(2 * FEATURES)

# How far a float32 computation of the same definition may be from ours. One neighbour in a
# thousand may differ: float32 cannot order all near ties.
TOLERANCE = {"mutual_knn": 1e-3, "cka linear": 1e-4, "cka rbf": 1e-3}
OPERATIONS = tuple(TOLERANCE)


def features(n: int, d: int = FEATURES, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two (n, d) float32 views of the same 64 factors, one of them bent; columns of variance 1."""
    draw = np.random.default_rng(seed)
    latent = draw.standard_normal((n, 64), dtype=np.float32)
    views = []
    for bend in (lambda z: z, np.tanh):
        mixed = bend(latent @ draw.standard_normal((64, d), dtype=np.float32) / 8)
        mixed += draw.standard_normal((n, d), dtype=np.float32)
        views.append((mixed - mixed.mean(axis=0)) / mixed.std(axis=0))
    return views[0], views[1]


def shared(in_x: np.ndarray, in_y: np.ndarray) -> float:
    """Mean share of the (n, k) neighbours that two lists have in common."""
    n, k = in_x.shape
    offset = np.arange(n)[:, None] * n
    common = np.intersect1d(in_x + offset, in_y + offset, assume_unique=True)
    return len(common) / (n * k)
