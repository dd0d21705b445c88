"""The statistics of the corrected protocol, with intervals over seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .emergence import emergence_rows, synergy_rows, task_pairs
from .prediction import depth_rows, prediction_rows
from .statistics import statistics_table
from .tables import SyntheticResults, grids


@dataclass(frozen=True)
class Looks:
    """How many intervals were looked at, and how many of them exclude zero."""

    question: str
    intervals: int
    exclude_zero: int


def corrected_statistics(results: SyntheticResults) -> pd.DataFrame:
    """Every statistic of the corrected protocol, per task, metric and depth of view 1's encoder.

    What is asked of performance is asked for depth 1 of view 1's encoder alone, as in the paper.
    Deterministic. Time grows with cells x resamples x points: about 10 ms a cell and metric.
    """
    return statistics_table(_rows(results))


def looks(table: pd.DataFrame) -> list[Looks]:
    """Count the intervals for each question; one in twenty excludes zero by chance alone.

    Means are left out: that they differ from zero is not asked.
    """
    asked = table[(table["statistic"] != "mean") & table["low"].notna()]
    counted = []
    for question, rows in asked.groupby("question", sort=False):
        away = ((rows["low"] > 0) | (rows["high"] < 0)).sum()
        counted.append(Looks(str(question), len(rows), int(away)))
    return counted


def _rows(results: SyntheticResults) -> Iterator[dict[str, Any]]:
    every = list(grids(results))
    tasks = set()
    for grid in every:
        yield from emergence_rows(grid)
        if grid.depth_1 == min(one.depth_1 for one in every):
            yield from prediction_rows(grid)
            if grid.task not in tasks:
                tasks.add(grid.task)
                yield from depth_rows(grid)
    yield from synergy_rows(task_pairs(every))
