"""How a number changes along an axis of balances, encoders being drawn for all balances at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ...data.digits_and_voices.balance import SYNERGY_AXIS, UNIQUENESS_AXIS
from ..intervals import FEWEST_POINTS, LEVEL, Estimate, expanded_tail, resampled_counts
from ..weighted import correlation_of

AXES = {"uniqueness": UNIQUENESS_AXIS, "synergy": SYNERGY_AXIS}
FEWEST_LEVELS = 3
_SMALLEST_DEFINED_SHARE = 0.5


def trend(levels: Mapping[int, pd.DataFrame], *, correlation: bool, resamples: int) -> Estimate:
    """Slope of a number on its level, by least squares, with its bootstrap interval.

    levels:      bits moved -> points of one metric and view there.
    correlation: the number is Spearman's correlation of alignment with performance, or else the
                 mean alignment, calibrated where it is.

    A replicate draws encoders (depth and seed) with replacement, the same at every level: their
    first weights and batches are the same there. NaN with a reason where fewer than three levels
    have the number.
    """
    if len(levels) < FEWEST_LEVELS:
        return _none(f"of this axis it is known at {len(levels)} balances, at least 3 are needed")
    places = np.array(list(levels), float)
    tables = list(levels.values())
    encoders = [list(zip(table["depth"], table["seed"], strict=True)) for table in tables]
    if any(own != encoders[0] for own in encoders):
        return _none("the balances have different encoders")
    count = len(encoders[0])
    if count < FEWEST_POINTS:
        return _none(f"only {count} encoders, at least {FEWEST_POINTS} are needed")
    weights = np.vstack([np.ones((1, count)), _counts(count, resamples)])
    values = np.stack(
        [_spearman(own, weights) if correlation else _mean(own, weights) for own in tables]
    )
    centred = places - places.mean()
    slopes = centred @ values / (centred @ centred)
    if np.isnan(slopes[0]):
        return _none("alignment or performance does not vary at one of the balances")
    return _interval(slopes, count, widen=not correlation)


def aligned(points: pd.DataFrame) -> pd.Series:
    """The alignment to average: calibrated where it is, else as measured."""
    return points["calibrated"].fillna(points["alignment"])


def weighted_means(values: np.ndarray, resamples: int) -> Estimate:
    """Mean over encoders with its bootstrap interval."""
    count = len(values)
    if count < FEWEST_POINTS or not np.isfinite(values).all():
        reason = f"only {count} encoders, at least {FEWEST_POINTS} are needed for an interval"
        if not np.isfinite(values).all():
            reason = "it is not defined for every encoder"
        return Estimate(float(values.mean()), np.nan, np.nan, reason)
    weights = np.vstack([np.ones((1, count)), _counts(count, resamples)])
    return _interval(weights @ values / count, count, widen=True)


def _counts(count: int, resamples: int) -> np.ndarray:
    return resampled_counts(np.arange(count)[None], resamples, np.random.default_rng(0))


def _spearman(own: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    x, y = (own[name].to_numpy(float) for name in ("alignment", "performance"))
    values = correlation_of("spearman", x, y, weights)
    # As mmalign.analysis.intervals has it: so few points lie on a line by construction.
    values[np.count_nonzero(weights, axis=1) < FEWEST_POINTS] = np.nan
    return values


def _mean(own: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    values = aligned(own).to_numpy(float)
    return weights @ values / len(values)


def _interval(drawn: np.ndarray, count: int, *, widen: bool) -> Estimate:
    """The value and the quantiles of the replicates after it."""
    value, replicates = float(drawn[0]), drawn[1:]
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < _SMALLEST_DEFINED_SHARE * len(replicates):
        reason = "too few bootstrap samples have a correlation"
        return Estimate(value, np.nan, np.nan, reason)
    tail = (1 - LEVEL) / 2
    if widen:
        tail = expanded_tail(tail, count, 0)
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def _none(reason: str) -> Estimate:
    return Estimate(np.nan, np.nan, np.nan, reason)
