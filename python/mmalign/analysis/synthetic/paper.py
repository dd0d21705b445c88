"""The statistics of arXiv 2502.16282 on synthetic data, as published, beside what was published.

View 1's encoder has depth 1 (figure 13: 2 and 3); view 2's encoders, over depths and seeds, are the
points. Three correlations fill a box for each U: alignment with accuracy and accuracy with depth
over depths and seeds of each D_phi, alignment with depth for each D_phi and seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ..intervals import FEWEST_POINTS
from . import published
from .ranks import pearson, spearman
from .statistics import (
    ALIGNMENT_DEPTH,
    ALIGNMENT_PERFORMANCE,
    ALIGNMENT_TRANSFORM,
    ALIGNMENT_UNIQUENESS,
    PERFORMANCE_DEPTH,
    statistics_table,
)
from .tables import Grid, SyntheticResults, grids

CORRELATIONS = {"spearman": spearman, "pearson": pearson}
WITH_ARTEFACT = "_with_artefact"
_BOX = {"minimum": 0, "lower_quartile": 25, "median": 50, "upper_quartile": 75, "maximum": 100}


def paper_statistics(results: SyntheticResults) -> pd.DataFrame:
    """Every published statistic that the tables can give, with the published value beside it.

    Correlations of the maximum with U come twice: over the values measured, and
    ``*_with_artefact``, with U = 8 set to the zero that the published ones hold.
    """
    return statistics_table(row for grid in grids(results) for row in _rows(grid))


def artefact_change(table: pd.DataFrame) -> pd.Series:
    """Spearman's correlations with U = 8 set to zero, less those of the values measured."""
    rows = table[table["question"] == ALIGNMENT_UNIQUENESS]
    index = ["task", "metric", "options", "depth_1", "transform_depth"]
    honest = rows[rows["statistic"] == "spearman"].set_index(index)["value"]
    zeroed = rows[rows["statistic"] == f"spearman{WITH_ARTEFACT}"].set_index(index)["value"]
    return (zeroed - honest).dropna()


def maxima(grid: Grid) -> np.ndarray:
    """The highest alignment over depths and seeds: (uniqueness, transform depths)."""
    return _highest(pooled(grid.alignment))


def boxes(grid: Grid, question: str, statistic: str) -> np.ndarray:
    """What a box of figure 7 is drawn from: (uniqueness, values); NaN where undefined."""
    correlation = CORRELATIONS[statistic]
    if question == ALIGNMENT_DEPTH:
        found = correlation(grid.alignment, grid.depths.astype(float))
        return np.moveaxis(found, 0, -1).reshape(len(grid.uniqueness), -1)
    depth = np.broadcast_to(grid.depths.astype(float), grid.alignment.shape)
    x, y = {
        ALIGNMENT_PERFORMANCE: (grid.alignment, grid.accuracy),
        PERFORMANCE_DEPTH: (grid.accuracy, depth),
    }[question]
    return correlation(pooled(x), pooled(y))


def pooled(values: np.ndarray) -> np.ndarray:
    """(seeds, uniqueness, transform depths, depths) as (uniqueness, transform depths, points)."""
    return np.moveaxis(values, 0, -2).reshape(*values.shape[1:3], -1)


def heat_map(grid: Grid, level: int) -> np.ndarray:
    """The mean alignment over seeds at one index of U: (depths, transform depths)."""
    own = grid.alignment[:, level]
    known = np.isfinite(own)
    count = known.sum(axis=0)
    mean = np.where(known, own, 0.0).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan).T


def _highest(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    highest = np.where(known, values, -np.inf).max(axis=-1)
    return np.where(known.any(axis=-1), highest, np.nan)


def _rows(grid: Grid) -> Iterator[dict[str, Any]]:
    yield from _uniqueness_rows(grid)
    if grid.depth_1 == 1:
        yield from _transform_rows(grid)
        yield from _box_rows(grid)
        yield from _heat_map_rows(grid)
        yield from _deepest_rows(grid)


def _beside(value: float, published_value: float | None, kind: str) -> dict[str, Any]:
    """A value and the published one; nothing is beside a number that the paper does not have."""
    if published_value is None:
        return {"value": value}
    return {
        "value": value,
        "published": published_value,
        "difference": value - published_value,
        "published_is": kind,
    }


def _uniqueness_rows(grid: Grid) -> Iterator[dict[str, Any]]:
    name = published.published_metric(grid.metric, grid.options)
    figure = next(
        (
            figure
            for figure, metric, depth in published.ALIGNMENT_UNIQUENESS
            if (metric, depth) == (name, grid.depth_1)
        ),
        None,
    )
    printed = dict(
        zip(
            published.CORRELATION_TRANSFORM_DEPTHS,
            published.ALIGNMENT_UNIQUENESS.get((figure, name, grid.depth_1), ()),
            strict=False,
        )
    )
    best, levels = maxima(grid), grid.uniqueness.astype(float)
    zeroed = np.where(grid.uniqueness[:, None] == published.ARTEFACT_UNIQUENESS, 0.0, best)
    shared = grid.key | {"question": ALIGNMENT_UNIQUENESS, "figure": figure}
    for place, depth in enumerate(grid.transform_depths):
        here = shared | {"transform_depth": depth, "seeds": len(grid.seeds)}
        for suffix, values in (("", best[:, place]), (WITH_ARTEFACT, zeroed[:, place])):
            for statistic, correlation in CORRELATIONS.items():
                value = float(correlation(values, levels))
                told = printed.get(depth) if statistic == "spearman" else None
                points = int(np.isfinite(values).sum())
                yield (
                    here
                    | _beside(value, told, "printed")
                    | {
                        "statistic": statistic + suffix,
                        "n": points,
                        "reason": _too_few(value, points),
                    }
                )
        digitised = published.MAXIMA.get((name, int(depth)), ()) if grid.depth_1 == 1 else ()
        for level, value in zip(grid.uniqueness, best[:, place], strict=True):
            told = digitised[level] if level < len(digitised) else None
            yield (
                here
                | _beside(float(value), told, "digitised")
                | {"statistic": "maximum", "uniqueness": level}
            )


def _transform_rows(grid: Grid) -> Iterator[dict[str, Any]]:
    name = published.published_metric(grid.metric, grid.options)
    printed = dict(
        zip(
            published.CORRELATION_UNIQUENESS,
            published.ALIGNMENT_TRANSFORM.get(name, ()),
            strict=False,
        )
    )
    for level, values in zip(grid.uniqueness, maxima(grid), strict=True):
        points = int(np.isfinite(values).sum())
        for statistic, correlation in CORRELATIONS.items():
            value = float(correlation(values, grid.transform_depths.astype(float)))
            told = printed.get(level) if statistic == "spearman" else None
            yield (
                grid.key
                | _beside(value, told, "printed")
                | {
                    "question": ALIGNMENT_TRANSFORM,
                    "figure": "11",
                    "statistic": statistic,
                    "uniqueness": level,
                    "n": points,
                    "seeds": len(grid.seeds),
                    "reason": _too_few(value, points),
                }
            )


def _box_rows(grid: Grid) -> Iterator[dict[str, Any]]:
    headline = published.published_metric(grid.metric, grid.options) == published.LINEAR_CKA
    for question in (ALIGNMENT_PERFORMANCE, PERFORMANCE_DEPTH, ALIGNMENT_DEPTH):
        for statistic in CORRELATIONS:
            for level, found in zip(grid.uniqueness, boxes(grid, question, statistic), strict=True):
                known = found[np.isfinite(found)]
                for part, share in _BOX.items():
                    value = float(np.percentile(known, share)) if len(known) else np.nan
                    told = None
                    digitised = headline and statistic == "spearman" and part == "median"
                    if digitised and level < len(published.MEDIANS[question]):
                        told = published.MEDIANS[question][level]
                    yield (
                        grid.key
                        | _beside(value, told, "digitised")
                        | {
                            "question": question,
                            "figure": "7",
                            "statistic": f"{part}_{statistic}",
                            "uniqueness": level,
                            "n": len(known),
                            "seeds": len(grid.seeds),
                            "reason": "" if len(known) else "n too small or nothing varies",
                        }
                    )


def _heat_map_rows(grid: Grid) -> Iterator[dict[str, Any]]:
    headline = published.published_metric(grid.metric, grid.options) == published.LINEAR_CKA
    for place, level in enumerate(grid.uniqueness):
        top = float(_highest(heat_map(grid, place).ravel()))
        told = published.HEAT_MAP_TOPS.get(int(level)) if headline else None
        yield (
            grid.key
            | _beside(top, told, "digitised")
            | {
                "question": "heat_map",
                "figure": "6",
                "statistic": "highest_mean_alignment",
                "uniqueness": level,
                "seeds": len(grid.seeds),
            }
        )


def _deepest_rows(grid: Grid) -> Iterator[dict[str, Any]]:
    """The ends of figure 9's axes: the deepest encoders of view 2 over all D_phi and seeds."""
    headline = published.published_metric(grid.metric, grid.options) == published.LINEAR_CKA
    for place, level in enumerate(grid.uniqueness):
        told = published.DEEPEST_RANGES.get(int(level)) if headline else None
        for index, (what, values) in enumerate(
            (("accuracy", grid.accuracy), ("alignment", grid.alignment))
        ):
            own = values[:, place, :, -1].ravel()
            for end, sign in (("lowest", -1), ("highest", 1)):
                value = sign * float(_highest(sign * own))
                yield (
                    grid.key
                    | _beside(value, told[index][sign > 0] if told else None, "digitised")
                    | {
                        "question": "deepest_encoders",
                        "figure": "9",
                        "statistic": f"{end}_{what}",
                        "uniqueness": level,
                        "n": int(np.isfinite(own).sum()),
                        "seeds": len(grid.seeds),
                    }
                )


def _too_few(value: float, points: int) -> str:
    if np.isfinite(value):
        return ""
    if points >= FEWEST_POINTS:
        return "alignment does not vary"
    return f"n too small: {points} value{'' if points == 1 else 's'}"
