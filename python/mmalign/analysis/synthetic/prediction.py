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
from .seeds import exchange_seeds, interval, seed_counts
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
        yield row | {"metric": None, "options": None, "depth_1": None}


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
    counts = seed_counts(seeds)
    once = np.ones((1, seeds))
    statistic = GIVEN_DEPTH if given_depth else "spearman"
    shared = grid.key | {"question": question, "statistic": statistic, "seeds": seeds}
    for place, level in enumerate(grid.uniqueness):
        values, replicates, points = [], [], 0
        for inner, transform in enumerate(grid.transform_depths):
            own_x, own_y = x[:, place, inner], y[:, place, inner]
            value = float(drawn_spearman(own_x, own_y, once, given_depth=given_depth)[0])
            # One seed leaves nothing to draw from.
            drawn = (
                drawn_spearman(own_x, own_y, counts, given_depth=given_depth)
                if np.isfinite(value) and seeds >= FEWEST_POINTS
                else np.full(len(counts), np.nan)
            )
            found = _told(value, drawn, seeds, own_x, own_y, names, given_depth)
            n = int((np.isfinite(own_x) & np.isfinite(own_y)).sum())
            yield (
                shared
                | _columns(found)
                | {
                    "uniqueness": level,
                    "transform_depth": transform,
                    "n": n,
                }
            )
            points += n
            if np.isfinite(value):
                values.append(value)
                replicates.append(drawn)
        if values:
            found = interval(float(np.mean(values)), _mean_of(replicates), seeds)
        else:
            found = Estimate(np.nan, np.nan, np.nan, f"{names[0]} or {names[1]} does not vary")
        row = shared | _columns(found) | {"uniqueness": level, "n": points}
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


def _told(
    value: float,
    drawn: np.ndarray,
    seeds: int,
    x: np.ndarray,
    y: np.ndarray,
    names: tuple[str, str],
    given_depth: bool,
) -> Estimate:
    """The estimate, or in words why there is none."""
    if np.isfinite(value):
        return interval(value, drawn, seeds)
    points = int((np.isfinite(x) & np.isfinite(y)).sum())
    if points < FEWEST_POINTS:
        reason = f"n too small: {points} encoders, at least {FEWEST_POINTS} needed"
    else:
        reason = f"{names[0]} or {names[1]} does not vary{' at equal depth' * given_depth}"
    return Estimate(np.nan, np.nan, np.nan, reason)


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


def _mean_of(replicates: list[np.ndarray]) -> np.ndarray:
    stacked = np.array(replicates)
    known = np.isfinite(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
