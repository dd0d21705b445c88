"""The tables of a synthetic study, and the same numbers as dense arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import UserError
from ...files import read_json

TABLES = ("encoders", "alignments", "ground_truth")
PAPER_TASK = "paper"
BALANCED_TASK = "balanced"
# The depth code of a view that no transformation touches.
UNTRANSFORMED = -1
CALIBRATED, AS_MEASURED = "calibrated", "as measured"


@dataclass(frozen=True)
class SyntheticResults:
    """A finished synthetic study.

    study:        the content of study.json.
    encoders:     one row per encoder: task, uniqueness, redundancy, transform_depth (-1: none),
                  view (1 or 2), depth, seed, its recipe and accuracies, and ``bayes_accuracy``.
                  ``held_accuracy`` is that on the half of the test samples on which no alignment
                  was measured; NaN where the two share their samples.
    alignments:   one row per pair of encoders and metric: the best ``score`` over layer pairs and,
                  where a null was drawn, its ``calibrated`` value.
    ground_truth: one row per task and uniqueness; information in nats.
    elapsed_seconds: wall time of all runs that made it; None where it is not known.
    """

    directory: Path
    study: dict[str, Any]
    encoders: pd.DataFrame
    alignments: pd.DataFrame
    ground_truth: pd.DataFrame
    elapsed_seconds: float | None

    @property
    def as_published(self) -> bool:
        """Whether accuracy and alignment share their samples, as in arXiv 2502.16282."""
        return not self.encoders["held_accuracy"].notna().any()


def load_tables(directory: str | os.PathLike[str]) -> SyntheticResults:
    """Read the files of a finished synthetic study; UserError names what is missing."""
    # The study layer makes these tables and so imports this module.
    from ...study.directory import StudyDirectory

    path = Path(directory)
    study = read_json(path / "study.json")
    tables = {}
    for name in TABLES:
        file = path / f"{name}.parquet"
        if not file.exists():
            raise UserError(
                f"{file} does not exist; the synthetic study in {path} is not finished."
            )
        try:
            tables[name] = pd.read_parquet(file)
        except ValueError as error:
            raise UserError(
                f"{file} is damaged ({error}); run the study again, which writes it anew."
            ) from None
    return SyntheticResults(
        path, study, **tables, elapsed_seconds=StudyDirectory(path).elapsed_seconds()
    )


@dataclass(frozen=True)
class Grid:
    """One metric on one task, against one depth of view 1's encoders.

    ``alignment`` is (seeds, uniqueness, transform depths, depths): the calibrated score where a
    null was drawn, else the plain one. ``accuracy`` is that of view 2's encoders and
    ``performance`` the same over the best accuracy possible; both have the shape of ``alignment``.
    What was not run is NaN.
    """

    task: str
    metric: str
    options: str
    depth_1: int
    seeds: np.ndarray
    uniqueness: np.ndarray
    transform_depths: np.ndarray
    depths: np.ndarray
    alignment: np.ndarray
    accuracy: np.ndarray
    performance: np.ndarray
    chance: float
    calibrated: bool

    @property
    def key(self) -> dict[str, Any]:
        """The columns that a row of statistics about this grid begins with."""
        return {
            "task": self.task,
            "metric": self.metric,
            "options": self.options,
            "depth_1": self.depth_1,
            "score_is": CALIBRATED if self.calibrated else AS_MEASURED,
        }


def grids(results: SyntheticResults) -> Iterator[Grid]:
    """Every task, metric and depth of view 1's encoders that was measured, in the tables' order."""
    encoders = results.encoders[results.encoders["view"] == 2]
    for task in pd.unique(results.alignments["task"]):
        own = encoders[encoders["task"] == task]
        measured = results.alignments[results.alignments["task"] == task]
        axes = {
            "seed": np.sort(own["seed"].unique()),
            "uniqueness": np.sort(own["uniqueness"].unique()),
            "transform_depth": np.sort(own["transform_depth"].unique()),
            "depth": np.sort(own["depth"].unique()),
        }
        name = "held_accuracy" if own["held_accuracy"].notna().any() else "test_accuracy"
        accuracy = _dense(own, axes, own[name])
        performance = _dense(own, axes, own[name] / own["bayes_accuracy"])
        for (metric, options, depth_1), rows in measured.groupby(
            ["metric", "options", "depth_1"], sort=False
        ):
            calibrated = bool(rows["calibrated"].notna().any())
            yield Grid(
                task=task,
                metric=metric,
                options=options,
                depth_1=int(depth_1),
                seeds=axes["seed"],
                uniqueness=axes["uniqueness"],
                transform_depths=axes["transform_depth"],
                depths=axes["depth"],
                alignment=_dense(
                    rows.rename(columns={"depth_2": "depth"}),
                    axes,
                    rows["calibrated" if calibrated else "score"],
                ),
                accuracy=accuracy,
                performance=performance,
                chance=0.0 if calibrated else float(rows["chance"].max()),
                calibrated=calibrated,
            )


def _dense(rows: pd.DataFrame, axes: dict[str, np.ndarray], values: pd.Series) -> np.ndarray:
    dense = np.full([len(levels) for levels in axes.values()], np.nan)
    places = tuple(np.searchsorted(levels, rows[name]) for name, levels in axes.items())
    dense[places] = values.to_numpy(float)
    return dense


def restricted(grid: Grid, other: Grid) -> Grid:
    """The part of a grid whose seeds, uniqueness, transform depths and depths ``other`` has too."""
    axes = ("seeds", "uniqueness", "transform_depths", "depths")
    shared = {name: np.intersect1d(getattr(grid, name), getattr(other, name)) for name in axes}
    places = np.ix_(*(np.searchsorted(getattr(grid, name), shared[name]) for name in axes))
    arrays = ("alignment", "accuracy", "performance")
    return replace(grid, **shared, **{name: getattr(grid, name)[places] for name in arrays})
