"""Canonical correlations, from the projectors on the spaces that the features span."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-12  # of the largest singular value


def canonical_correlations(x, y):
    """Cosines of the principal angles: the min(rank x, rank y) largest values of P_x P_y."""
    p, q = _projector(_standardized(x)), _projector(_standardized(y))
    rank = round(min(np.trace(p), np.trace(q)))
    return np.linalg.svd(p @ q, compute_uv=False)[:rank]


def cca(x, y, *, summary="mean"):
    """Mean canonical correlation, or mean of the squares."""
    correlations = canonical_correlations(x, y)
    return float(np.mean(correlations if summary == "mean" else correlations**2))


def svcca(x, y, *, components=10, variance=None, standardize=None, summary="mean"):
    """cca of the leading left singular vectors: a number of them, or a share of the variance."""
    if standardize is None:
        standardize = variance is None
    leading = []
    for z in (x, y):
        u, s, _ = np.linalg.svd(_standardized(z) if standardize else _centred(z))
        kept = components
        if variance is not None:
            held = np.cumsum(s**2) / np.sum(s**2)
            kept = int(np.argmax(held >= variance - 1e-15)) + 1
        leading.append(u[:, : min(kept, np.count_nonzero(s > TOLERANCE * s[0]))])
    return cca(*leading, summary=summary)


def pwcca(x, y):
    """Canonical correlations weighted by what their variates account for in the features of x."""
    h, correlations, _ = np.linalg.svd(_projector(_standardized(x)) @ _projector(_standardized(y)))
    rank = len(canonical_correlations(x, y))
    weights = np.abs(h.T @ _centred(x)).sum(axis=1)[:rank]
    return float(np.sum(weights * correlations[:rank]) / np.sum(weights))


def _centred(x):
    x = np.asarray(x, np.float64)
    return x - x.mean(axis=0)


def _standardized(x):
    x = _centred(x)
    deviation = x.std(axis=0)
    return x / np.where(deviation > 0, deviation, 1)


def _projector(x):
    """The (n, n) orthogonal projector on the columns of x."""
    return x @ np.linalg.pinv(x, rcond=TOLERANCE)
