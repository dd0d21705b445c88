"""Is there a relation among encoders of equal depth? A test that no shape of trend can mislead.

Accuracy and alignment both rise with depth, steeply at first. A partial correlation takes out a
straight line (of the values or their ranks); the bend that is left is shared by both and passes for
a relation. Encoders of equal depth differ in neither bend nor line. If alignment says nothing about
accuracy at equal depth, they may change places without making a difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

_EXCHANGES = 9999


@dataclass(frozen=True)
class ExchangeTest:
    """``p``: two-sided; ``orders``: in how many ways encoders of equal depth can change places.

    No p below 2 / orders can occur. NaN where the test is not defined.
    """

    p: float
    orders: float


def exchange_test(
    statistic: str, x: np.ndarray, y: np.ndarray, depth: np.ndarray, *, seed: int = 0
) -> ExchangeTest:
    """Test whether x and y are related among points of equal depth.

    ``x``, ``y``, ``depth`` are (points,). The statistic is the sum over depths of the covariance of
    x and y (of their ranks for ``"spearman"``); its null distribution comes from 9999 random
    exchanges of x within each depth, p = (1 + those at least as strong) / 10000. Valid for any
    number of seeds and any dependence on depth. p is NaN if x or y is not finite or does not vary
    at equal depth.
    """
    if not np.isfinite([x, y]).all():
        return ExchangeTest(np.nan, np.nan)
    if statistic == "spearman":
        x, y = stats.rankdata(x), stats.rankdata(y)
    strata = [np.flatnonzero(depth == one) for one in np.unique(depth)]
    left_x, left_y = _within(x, strata), _within(y, strata)
    orders = math.exp(min(sum(math.lgamma(len(rows) + 1) for rows in strata), 700.0))
    if not left_x.any() or not left_y.any():
        return ExchangeTest(np.nan, float(round(orders)))
    generator = np.random.default_rng(seed)
    exchanged = np.empty((_EXCHANGES, len(x)))
    for rows in strata:
        every = np.broadcast_to(left_x[rows], (_EXCHANGES, len(rows)))
        exchanged[:, rows] = generator.permuted(every, axis=1)
    observed = abs(left_x @ left_y)
    # Equal sums taken in another order differ by rounding.
    as_strong = np.abs(exchanged @ left_y) >= observed * (1 - 1e-9)
    return ExchangeTest((1 + int(as_strong.sum())) / (1 + _EXCHANGES), float(round(orders)))


def _within(values: np.ndarray, strata: list[np.ndarray]) -> np.ndarray:
    left = np.empty(len(values))
    for rows in strata:
        own = values[rows]
        # The mean of equal numbers is not always that number.
        left[rows] = 0.0 if np.ptp(own) <= 1e-12 * np.abs(own).max() else own - own.mean()
    return left
