"""A straight line through points with its bootstrap band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .intervals import LEVEL, resampled_counts

_RESAMPLES = 1999


@dataclass(frozen=True)
class Fit:
    """Least squares line over ``x``, and the pointwise 95 percent band around it."""

    x: np.ndarray
    line: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit_line(
    x: np.ndarray, y: np.ndarray, encoders: np.ndarray, *, seed: int = 0, steps: int = 50
) -> Fit | None:
    """Regress y on x, resampling encoders as :func:`mmalign.analysis.intervals.estimate` does.

    ``x`` and ``y`` are (points,), ``encoders`` (ways, points). None where no line is determined:
    fewer than 4 points, values that are not finite, or x the same for all.
    """
    if len(x) < 4 or not np.isfinite([x, y]).all() or np.ptp(x) <= 1e-12 * np.abs(x).max():
        return None
    grid = np.linspace(x.min(), x.max(), steps)
    line = _lines(x, y, np.ones((1, len(x))), grid)[0]
    lines = _lines(x, y, resampled_counts(encoders, _RESAMPLES, np.random.default_rng(seed)), grid)
    low, high = np.nanquantile(lines, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Fit(grid, line, low, high)


def _lines(x: np.ndarray, y: np.ndarray, weights: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(replicates, grid) heights of the weighted least squares lines; NaN for a vertical one."""
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    variance = weights @ (x - x.mean()) ** 2 / total - (mean_x - x.mean()) ** 2
    covariance = weights @ ((x - x.mean()) * (y - y.mean())) / total - (mean_x - x.mean()) * (
        mean_y - y.mean()
    )
    flat = variance <= 1e-10 * x.var()
    slope = np.where(flat, np.nan, covariance / np.where(flat, 1.0, variance))
    return mean_y[:, None] + slope[:, None] * (grid[None, :] - mean_x[:, None])
