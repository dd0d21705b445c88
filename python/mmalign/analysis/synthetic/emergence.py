"""When does alignment emerge? Alignment against uniqueness and heterogeneity, seed by seed.

Each seed trains every encoder anew, on transformations of its own but on the same samples. A
statistic is computed for each seed and its mean over seeds reported with an interval over seeds.
The alignment of a cell is the best over depths, as in the paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..intervals import Estimate
from .ranks import spearman
from .seeds import mean_over_seeds, t_interval
from .statistics import ALIGNMENT_TRANSFORM, ALIGNMENT_UNIQUENESS
from .tables import BALANCED_TASK, PAPER_TASK, Grid, restricted

SLOPE_DIFFERENCE = "slope_difference"
# The interval comes from the seeds, so a seed's own correlation may stand on few levels.
_FEWEST_LEVELS = 3


def emergence_rows(grid: Grid) -> Iterator[dict[str, Any]]:
    """Spearman's correlations, slopes and mean curves of one grid's best alignment.

    ``spearman``: of alignment with U at each D_phi (or with D_phi at each U), and over all of them
    as the mean of these. ``slope``: of alignment on U, and on D_phi, in one regression a seed, with
    Student's interval of their mean; NaN for a seed whose grid has gaps. ``mean``: alignment at
    each U (D_phi) over all D_phi (U).
    """
    best = best_over_depths(grid)
    over_uniqueness = np.moveaxis(best, 1, -1)
    yield from _one_axis(
        grid, ALIGNMENT_UNIQUENESS, over_uniqueness, "transform_depth", "uniqueness"
    )
    yield from _one_axis(grid, ALIGNMENT_TRANSFORM, best, "uniqueness", "transform_depth")
    for question, name, levels, found in zip(
        (ALIGNMENT_UNIQUENESS, ALIGNMENT_TRANSFORM),
        ("uniqueness", "transform_depth"),
        (grid.uniqueness, grid.transform_depths),
        slopes(grid),
        strict=True,
    ):
        yield _row(grid, question, "slope", t_interval(found, _why_none(levels, 2, name)), found)


def best_over_depths(grid: Grid) -> np.ndarray:
    """The highest alignment over depths of view 2: (seeds, uniqueness, transform depths)."""
    known = np.isfinite(grid.alignment)
    highest = np.where(known, grid.alignment, -np.inf).max(axis=-1)
    return np.where(known.any(axis=-1), highest, np.nan)


def slopes(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of best alignment on U and on D_phi, one pair a seed; NaN where there is none."""
    best = best_over_depths(grid)
    found = np.full((2, len(grid.seeds)), np.nan)
    levels = (grid.uniqueness.astype(float), grid.transform_depths.astype(float))
    for axis, values in enumerate(levels):
        if len(values) < 2:
            continue
        centred = values - values.mean()
        # On a complete grid the two axes are orthogonal, so each slope can be had alone.
        other = np.mean(best, axis=2 - axis)
        found[axis] = other @ centred / (centred @ centred)
    return found[0], found[1]


def synergy_rows(pairs: Iterator[tuple[Grid, Grid]]) -> Iterator[dict[str, Any]]:
    """How much less steeply alignment falls with U once synergy is held fixed, seed by seed.

    ``slope_difference`` is the balanced task's slope on U less the paper task's, over the seeds, U
    and D_phi that both have.
    """
    for paper, balanced in pairs:
        grid, other = restricted(balanced, paper), restricted(paper, balanced)
        difference = slopes(grid)[0] - slopes(other)[0]
        estimate = t_interval(difference, _why_none(grid.uniqueness, 2, "uniqueness"))
        yield _row(grid, ALIGNMENT_UNIQUENESS, SLOPE_DIFFERENCE, estimate, difference)


def task_pairs(every: list[Grid]) -> Iterator[tuple[Grid, Grid]]:
    """The same measurement on the paper's task and on the balanced one."""
    key = {(grid.task, grid.metric, grid.options, grid.depth_1): grid for grid in every}
    for (task, *rest), grid in key.items():
        other = (BALANCED_TASK, *rest)
        if task == PAPER_TASK and other in key:
            yield grid, key[other]


def _one_axis(
    grid: Grid, question: str, best: np.ndarray, fixed: str, varied: str
) -> Iterator[dict[str, Any]]:
    """``best`` is (seeds, fixed levels, varied levels)."""
    names = {"uniqueness": grid.uniqueness, "transform_depth": grid.transform_depths}
    why = _why_none(names[varied], _FEWEST_LEVELS, varied)
    found = spearman(best, names[varied].astype(float), fewest=_FEWEST_LEVELS)
    for place, level in enumerate(names[fixed]):
        own = found[:, place]
        yield _row(grid, question, "spearman", mean_over_seeds(own, why), own) | {fixed: level}
    per_seed = _mean_known(found, axis=1)
    yield _row(grid, question, "spearman", mean_over_seeds(per_seed, why), per_seed)
    for place, level in enumerate(names[varied]):
        own = _mean_known(best[:, :, place], axis=1)
        yield _row(grid, question, "mean", mean_over_seeds(own, "not measured"), own) | {
            varied: level
        }


def _why_none(levels: np.ndarray, fewest: int, name: str) -> str:
    if len(levels) < fewest:
        what = {"uniqueness": "U", "transform_depth": "the transformation"}[name]
        plural = "" if len(levels) == 1 else "s"
        return f"n too small: {len(levels)} level{plural} of {what}, at least {fewest} needed"
    return "alignment does not vary, or was not measured everywhere"


def _mean_known(values: np.ndarray, axis: int) -> np.ndarray:
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _row(
    grid: Grid, question: str, statistic: str, found: Estimate, per_seed: np.ndarray
) -> dict[str, Any]:
    return grid.key | {
        "question": question,
        "statistic": statistic,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "seeds": int(np.isfinite(per_seed).sum()),
        "reason": found.reason,
    }
