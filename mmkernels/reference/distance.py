"""Distance correlation."""

from __future__ import annotations

import numpy as np

from .gram import centre
from .neighbors import squared_distances


def distance_correlation(x, y, *, unbiased=False):
    """R_n of Szekely, Rizzo and Bakirov 2007, or the bias-corrected square of 2013."""
    a, b = (_distances(z) for z in (x, y))
    a, b = (_u_centre(a), _u_centre(b)) if unbiased else (centre(a), centre(b))
    ratio = np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))
    return float(ratio if unbiased else np.sqrt(ratio))


def _distances(x):
    x = np.asarray(x, np.float64)
    x = x - x.mean(axis=0)
    return np.sqrt(squared_distances(x, x))


def _u_centre(a):
    """Szekely and Rizzo 2013, the modified centring whose diagonal is zero."""
    n = len(a)
    row, column = a.sum(axis=0) / (n - 2), a.sum(axis=1, keepdims=True) / (n - 2)
    centred = a - row - column + a.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred
