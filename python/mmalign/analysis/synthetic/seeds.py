"""Intervals that take a seed, not an encoder, as one independent draw.

In the corrected protocol a seed has its own transformations, so that encoders of one seed share
what may be easy or hard about them. A replicate draws whole seeds with replacement. Samples, labels
and the task are the same for all seeds: intervals do not cover another draw of these.
"""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
from scipy import stats

from ..intervals import FEWEST_POINTS, LEVEL, Estimate, expanded_tail

RESAMPLES = 999
_EXCHANGES = 9999
# Up to this many seeds every order is tried: 5040 of them.
_MOST_SEEDS_IN_EVERY_ORDER = 7


@cache
def seed_counts(seeds: int) -> np.ndarray:
    """How often each seed counts in each replicate: (RESAMPLES, seeds), the same on every call."""
    counts = np.random.default_rng(0).multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES)
    return counts.astype(float)


@cache
def _tail(seeds: int) -> float:
    return expanded_tail((1 - LEVEL) / 2, seeds, 0)


def interval(value: float, replicates: np.ndarray, seeds: int) -> Estimate:
    """The percentile interval of ``replicates``, its tails widened for the few seeds there are."""
    reason = too_few_seeds(seeds)
    if not np.isfinite(value) or reason:
        return Estimate(float(value), np.nan, np.nan, reason)
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < len(replicates) / 2:
        return Estimate(
            float(value), np.nan, np.nan, "too few bootstrap samples have a correlation"
        )
    tail = _tail(seeds)
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))


def mean_over_seeds(values: np.ndarray, why_none: str) -> Estimate:
    """Mean of one number a seed, with its bootstrap interval over seeds; NaN are left out.

    ``why_none`` is the reason given where every seed is NaN.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return Estimate(np.nan, np.nan, np.nan, why_none)
    counts = seed_counts(len(values))
    return interval(float(values.mean()), counts @ values / len(values), len(values))


def t_interval(values: np.ndarray, why_none: str) -> Estimate:
    """Mean of one number a seed, with Student's interval; else as :func:`mean_over_seeds`.

    On a complete grid this is the estimate of a mixed model whose slopes vary from seed to seed.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return Estimate(np.nan, np.nan, np.nan, why_none)
    reason = too_few_seeds(len(values))
    if reason:
        return Estimate(float(values.mean()), np.nan, np.nan, reason)
    reach = stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * stats.sem(values)
    mean = float(values.mean())
    return Estimate(mean, mean - float(reach), mean + float(reach))


def too_few_seeds(seeds: int) -> str:
    """Why no interval can be given; empty if one can."""
    if seeds >= FEWEST_POINTS:
        return ""
    return f"n too small: {seeds} seed{'' if seeds == 1 else 's'}, at least {FEWEST_POINTS} needed"


def exchange_seeds(x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> tuple[float, str]:
    """Two-sided p of the sum of x * y over (seeds, strata), and why there is none.

    Both are centred over seeds within each stratum. The rows of x are exchanged whole, so that
    encoders of equal depth change places and yet what the encoders of one seed share stays
    together: valid whatever that is. Every order up to 7 seeds, else 9999 random ones.
    """
    seeds = len(x)
    reason = too_few_seeds(seeds)
    if reason:
        return np.nan, reason
    whole = np.isfinite(x).all(axis=0) & np.isfinite(y).all(axis=0)
    x, y = x[:, whole], y[:, whole]
    products = x @ y.T
    if not np.abs(products).max(initial=0) > 0:
        return np.nan, "alignment or accuracy does not vary at equal depth"
    if seeds <= _MOST_SEEDS_IN_EVERY_ORDER:
        orders = np.array(list(itertools.permutations(range(seeds))))
        added, total = 0, math.factorial(seeds)
    else:
        generator = np.random.default_rng(seed)
        orders = generator.permuted(np.tile(np.arange(seeds), (_EXCHANGES, 1)), axis=1)
        added, total = 1, _EXCHANGES + 1
    sums = products[orders, np.arange(seeds)].sum(axis=1)
    observed = abs(np.trace(products))
    # Equal sums taken in another order differ by rounding.
    return float((added + (np.abs(sums) >= observed * (1 - 1e-9)).sum()) / total), ""
