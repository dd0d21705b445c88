"""A synthetic study: which data, which encoders, which comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from mmkernels.mlp_ensemble import Network

from ...data.synthetic import SyntheticSettings, synthetic_data
from ...data.synthetic.settings import MAX_TRANSFORM_DEPTH, check_whole_number
from ...errors import UserError
from .cell import UNTRANSFORMED, MeasurementCell, MetricRequest, TrainingCell
from .hyperparameters import Hyperparameters

VIEWS = (1, 2)


@dataclass(frozen=True)
class Grid:
    """The cells of one task: every uniqueness with every transform depth.

    settings: the data; ``transforms_seed`` is the first of the seeds' where each has its own.
    """

    settings: SyntheticSettings
    uniqueness: tuple[int, ...]
    transform_depths: tuple[int, ...]


@dataclass(frozen=True)
class Unit:
    """The encoders of both views on one draw of the data, and their comparison."""

    task: str
    uniqueness: int
    training: tuple[TrainingCell, TrainingCell]
    measurement: MeasurementCell


@dataclass(frozen=True)
class SyntheticStudy:
    """What is to be computed, in order.

    preset:       for people.
    grids:        one for each task.
    depths:       of the encoders of both views.
    seeds:        each trains every encoder anew; where ``own_transforms``, each also draws its own
                  transforms of view 2, so that no answer hangs on one draw.
    epochs:       of view 1 and of view 2.
    tuned:        (redundancy, view) -> learning rate and weight decay.
    depths_1:     encoders of view 1 that are compared with all of view 2.
    aligned:      how many of the first test samples alignment is measured on.
    held:         whether accuracy is taken on the other test samples.
    metrics, permutations: see :class:`MeasurementCell`.
    """

    preset: str
    grids: tuple[Grid, ...]
    depths: tuple[int, ...]
    seeds: tuple[int, ...]
    own_transforms: bool
    epochs: tuple[int, int]
    tuned: dict[tuple[int, int], Hyperparameters]
    depths_1: tuple[int, ...]
    aligned: int
    held: bool
    metrics: tuple[MetricRequest, ...]
    permutations: int

    name = "synthetic"

    def __post_init__(self) -> None:
        for name in ("grids", "depths", "seeds", "depths_1", "metrics"):
            if not getattr(self, name):
                raise UserError(f"The synthetic study has no {name}.")
        for name, values in (("depths", self.depths), ("seeds", self.seeds)):
            if len(set(values)) != len(values):
                raise UserError(f"{name} names a number twice: {', '.join(map(str, values))}.")
        try:
            for depth in self.depths:
                Network(depth)
        except ValueError as error:
            raise UserError(f"depths names no encoder that can be trained: {error}") from None
        if not set(self.depths_1) <= set(self.depths):
            missing = sorted(set(self.depths_1) - set(self.depths))
            raise UserError(
                f"Encoders of view 1 of depth {missing[0]} are to be compared, but depths has only "
                f"{', '.join(map(str, self.depths))}."
            )
        if min(self.epochs) < 1:
            raise UserError(f"epochs must be at least 1, got {min(self.epochs)}.")
        for grid in self.grids:
            bits = grid.settings.task_bits
            for name in ("uniqueness", "transform_depths"):
                if not getattr(grid, name):
                    raise UserError(f"The synthetic study has no {name}.")
            for depth in grid.transform_depths:
                check_whole_number("transform_depths", depth, 0, MAX_TRANSFORM_DEPTH)
            for level in grid.uniqueness:
                if not 0 <= level <= bits:
                    raise UserError(f"uniqueness must be between 0 and {bits}, got {level}.")
                if not {(bits - level, view) for view in VIEWS} <= set(self.tuned):
                    raise UserError(f"tuned lacks a view at redundancy {bits - level}.")
        most = max(request.options.get("k", 3) for request in self.metrics)
        if self.aligned <= most:
            raise UserError(
                f"Alignment on {self.aligned} test samples cannot have {most} neighbours; ask for "
                "more samples."
            )

    def units(self) -> Iterator[Unit]:
        """Every unit: seed by seed, so that a study that is stopped has whole seeds."""
        for seed in self.seeds:
            for grid in self.grids:
                for uniqueness in grid.uniqueness:
                    for transform_depth in grid.transform_depths:
                        yield self._unit(grid, uniqueness, transform_depth, seed)

    def training_cells(self) -> list[TrainingCell]:
        """Every training cell once, in the order in which units need them."""
        return list(dict.fromkeys(cell for unit in self.units() for cell in unit.training))

    def describe(self) -> dict[str, Any]:
        """Return the study as plain JSON content, with the hashes of all its cells."""
        content = asdict(self)
        first = self.grids[0].settings
        data = synthetic_data(first, 0, 0)
        content["tuned"] = [
            {"redundancy": redundancy, "view": view, **asdict(found)}
            for (redundancy, view), found in self.tuned.items()
        ]
        return {
            **content,
            "name": self.name,
            "settings": {**asdict(first), "test_samples": len(data.splits["test"])},
            "cells": [{"hash": cell.hash} for cell in self.training_cells()],
            "alignments": [{"hash": unit.measurement.hash} for unit in self.units()],
        }

    def _unit(self, grid: Grid, uniqueness: int, transform_depth: int, seed: int) -> Unit:
        settings = grid.settings
        if self.own_transforms:
            settings = replace(settings, transforms_seed=settings.transforms_seed + seed)
        redundancy = settings.task_bits - uniqueness
        cells = tuple(
            self.training_cell(settings, redundancy, transform_depth, view, seed) for view in VIEWS
        )
        measurement = MeasurementCell(
            settings=settings,
            redundancy=redundancy,
            transform_depth=transform_depth,
            seed=seed,
            encoders_1=cells[0].hash,
            encoders_2=cells[1].hash,
            depths_1=self.depths_1,
            depths_2=self.depths,
            samples=self.aligned,
            metrics=self.metrics,
            permutations=self.permutations,
        )
        return Unit(settings.task, uniqueness, cells, measurement)

    def training_cell(
        self,
        settings: SyntheticSettings,
        redundancy: int,
        transform_depth: int,
        view: int,
        seed: int,
    ) -> TrainingCell:
        """The encoders of one view on the data that these numbers name."""
        if view == 1 and settings.split == "paired" and settings.transformed_views == "2":
            # The same data at every transform depth: its encoders are trained once.
            transform_depth, settings = UNTRANSFORMED, replace(settings, transforms_seed=0)
        tuned = self.tuned[redundancy, view]
        return TrainingCell(
            settings=settings,
            redundancy=redundancy,
            transform_depth=transform_depth,
            view=view,
            depths=self.depths,
            seed=seed,
            epochs=self.epochs[view - 1],
            learning_rate=tuned.learning_rate,
            weight_decay=tuned.weight_decay,
        )


def study_from_json(content: dict[str, Any]) -> SyntheticStudy:
    """Return the study that :meth:`SyntheticStudy.describe` wrote; UserError for anything else."""
    try:
        return SyntheticStudy(
            preset=content["preset"],
            grids=tuple(
                Grid(
                    SyntheticSettings(**grid["settings"]),
                    tuple(grid["uniqueness"]),
                    tuple(grid["transform_depths"]),
                )
                for grid in content["grids"]
            ),
            depths=tuple(content["depths"]),
            seeds=tuple(content["seeds"]),
            own_transforms=content["own_transforms"],
            epochs=tuple(content["epochs"]),
            tuned={
                (row["redundancy"], row["view"]): Hyperparameters(
                    row["learning_rate"], row["weight_decay"]
                )
                for row in content["tuned"]
            },
            depths_1=tuple(content["depths_1"]),
            aligned=content["aligned"],
            held=content["held"],
            metrics=tuple(MetricRequest(**request) for request in content["metrics"]),
            permutations=content["permutations"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"study.json does not describe a synthetic study ({error!r}).") from None
