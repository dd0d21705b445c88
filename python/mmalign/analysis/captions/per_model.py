"""What best alignments and mean bits per byte say: a point a language model and level."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..intervals import FEWEST_POINTS, LEVEL, Estimate, resampled_counts
from ..weighted import correlation_of
from .crossed import RESAMPLES

#: (vision models, points) y, (points,) x, weights (replicates, points), controls -> (replicates,)
Of = Callable[[np.ndarray, np.ndarray, np.ndarray, "np.ndarray | None"], np.ndarray]


def spearman(
    y: np.ndarray, x: np.ndarray, weights: np.ndarray, controls: np.ndarray | None
) -> np.ndarray:
    """Spearman's correlation of x with each row of y, given the controls; the mean over rows."""
    return np.mean([correlation_of("spearman", x, row, weights, controls) for row in y], axis=0)


def slope(
    y: np.ndarray, x: np.ndarray, weights: np.ndarray, controls: np.ndarray | None
) -> np.ndarray:
    """Least squares slope of each row of y on x; the mean over rows. Takes no controls."""
    y_mean = y.mean(axis=0) - y.mean()
    x = x - x.mean()
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y_mean / total
    variance = weights @ x**2 / total - mean_x**2
    covariance = weights @ (x * y_mean) / total - mean_x * mean_y
    flat = variance <= 1e-10 * np.var(x)
    return np.where(flat, np.nan, covariance / np.where(flat, 1.0, variance))


def over_models(
    of: Of,
    y: np.ndarray,
    x: np.ndarray,
    models: np.ndarray,
    controls: np.ndarray | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate:
    """A statistic averaged over vision models, with a 95 percent interval over language models.

    y: (vision models, points); x: (points,); models: (points,) which language model a point is of;
    controls: (count, points). A replicate draws language models with all of their points, and is
    left out if it has fewer than four different points, one more for each control: they lie on a
    line by construction. With fewer than four language models there is no interval. NaN with a
    reason where the statistic is not defined.
    """
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return Estimate(np.nan, np.nan, np.nan, "a language model has no bits per byte")
    value = float(of(y, x, np.ones((1, len(x))), controls)[0])
    if np.isnan(value):
        return Estimate(
            np.nan, np.nan, np.nan, "one of the two does not vary, or not beyond length"
        )
    different = len(np.unique(models))
    if different < FEWEST_POINTS:
        reason = f"only {different} language models, at least {FEWEST_POINTS} are needed"
        return Estimate(value, np.nan, np.nan, reason)
    generator = np.random.default_rng(seed)
    weights = resampled_counts(models[None], resamples, generator)
    fewest = FEWEST_POINTS + (0 if controls is None else len(controls))
    replicates = of(y, x, weights[np.count_nonzero(weights, axis=1) >= fewest], controls)
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < resamples / 2:
        reason = f"{different} language models are too few or too alike for an interval"
        return Estimate(value, np.nan, np.nan, reason)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))
