"""Does alignment, or depth, predict performance at each U?

Within one U and D_phi the encoders of view 2, over depths and seeds, are the points, ranked among
themselves; the answer for a U is the mean over its D_phi. Intervals draw whole seeds. Given depth,
every depth's ranks are centred on their own mean: no shape of a trend with depth can pass for a
relation. A p beside it exchanges encoders of equal depth, a whole seed at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..intervals import FEWEST_POINTS, Estimate
from .ranks import drawn_spearman, midranks
from .seeds import exchange_seeds, interval, seed_counts, too_few_seeds
from .statistics import ALIGNMENT_DEPTH, ALIGNMENT_PERFORMANCE, PERFORMANCE_DEPTH
from .tables import Grid

GIVEN_DEPTH = "spearman_given_depth"


def prediction_rows(grid: Grid) -> Iterator[dict[str, Any]]:
    """Alignment with performance (plainly and given depth) and with depth, for each U.

    A row for each U and D_phi, and one for each U that is their mean, as ``spearman`` and
    ``spearman_given_depth``.
    """
    depth = np.broadcast_to(grid.depths.astype(float), grid.alignment.shape)
    performance = grid.performance
    names = ("alignment", "accuracy")
    yield from _relation(grid, ALIGNMENT_PERFORMANCE, grid.alignment, performance, names)
    yield from _relation(
        grid, ALIGNMENT_PERFORMANCE, grid.alignment, performance, names, given_depth=True
    )
    yield from _relation(grid, ALIGNMENT_DEPTH, grid.alignment, depth, ("alignment", "depth"))


def depth_rows(grid: Grid) -> Iterator[dict[str, Any]]:
    """Performance with depth for each U; no metric is involved, so one grid of a task will do."""
    depth = np.broadcast_to(grid.depths.astype(float), grid.alignment.shape)
    for row in _relation(grid, PERFORMANCE_DEPTH, grid.performance, depth, ("accuracy", "depth")):
        yield row | {"metric": None, "options": None, "depth_1": None, "score_is": None}


def _relation(
    grid: Grid,
    question: str,
    x: np.ndarray,
    y: np.ndarray,
    names: tuple[str, str],
    *,
    given_depth: bool = False,
) -> Iterator[dict[str, Any]]:
    seeds = len(grid.seeds)
    # The sample itself comes first; fewer seeds than an interval needs are not drawn from.
    draws = seed_counts(seeds) if not too_few_seeds(seeds) else np.empty((0, seeds))
    counts = np.vstack([np.ones((1, seeds)), draws])
    statistic = GIVEN_DEPTH if given_depth else "spearman"
    shared = grid.key | {"question": question, "statistic": statistic, "seeds": seeds}
    # With one seed there is one encoder of each depth.
    alone = given_depth and seeds == 1
    why = too_few_seeds(seeds) if alone else f"{names[0]} or {names[1]} does not vary"
    for place, level in enumerate(grid.uniqueness):
        own_x, own_y = (np.moveaxis(one[:, place], 1, 0) for one in (x, y))
        points = (np.isfinite(own_x) & np.isfinite(own_y)).sum(axis=(1, 2))
        drawn = drawn_spearman(own_x, own_y, counts, given_depth=given_depth)
        for inner, transform in enumerate(grid.transform_depths):
            n = int(points[inner])
            found = _estimate(drawn[:, inner], seeds, n, why)
            yield (
                shared
                | _columns(found)
                | {"uniqueness": level, "transform_depth": transform, "n": n}
            )
        defined = np.isfinite(drawn[0])
        mean = _mean_known(drawn[:, defined]) if defined.any() else drawn[:, 0]
        found = _estimate(mean, seeds, int(points.max()), why)
        row = shared | _columns(found) | {"uniqueness": level, "n": int(points.sum())}
        if given_depth:
            p, reason = exchange_seeds(_centred(x[:, place]), _centred(y[:, place]))
            row |= {"p": p, "reason": found.reason or reason}
        yield row


def _columns(found: Estimate) -> dict[str, Any]:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "reason": found.reason,
    }


def _estimate(drawn: np.ndarray, seeds: int, points: int, why_none: str) -> Estimate:
    """The sample's value and its interval from the draws after it, or why there is none."""
    if np.isfinite(drawn[0]):
        return interval(float(drawn[0]), drawn[1:], seeds)
    if points < FEWEST_POINTS:
        plural = "" if points == 1 else "s"
        why_none = f"n too small: {points} encoder{plural}, at least {FEWEST_POINTS} needed"
    return Estimate(np.nan, np.nan, np.nan, why_none)


def _centred(values: np.ndarray) -> np.ndarray:
    """Ranks within a D_phi, centred over seeds at each depth: (seeds, strata).

    ``values`` is (seeds, transform depths, depths).
    """
    transforms = np.moveaxis(values, 1, 0)
    ranks = midranks(transforms.reshape(len(transforms), -1)).reshape(transforms.shape)
    ranks[~np.isfinite(transforms)] = np.nan
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    # What the subtraction leaves of equal ranks is rounding.
    centred[np.abs(centred) < 1e-9] = 0.0
    return np.moveaxis(centred, 0, 1).reshape(values.shape[0], -1)


def _mean_known(drawn: np.ndarray) -> np.ndarray:
    """(draws, transform depths) as the mean over those defined in a draw."""
    known = np.isfinite(drawn)
    count = known.sum(axis=1)
    total = np.where(known, drawn, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
