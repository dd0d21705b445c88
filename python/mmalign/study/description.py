"""A study: which encoders to train and which of their representations to compare, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..data.paired import PairedDataset
from ..errors import UserError
from .cell import AlignmentCell, Cell, EncoderCell, cell_from_json
from .metrics import complete_options, smallest_n


@dataclass(frozen=True)
class Alignment:
    """Compare every encoder of ``view_a`` with every encoder of ``view_b`` by one metric.

    metric, options: see :data:`mmalign.study.metrics.METRICS`; options left out take its defaults.
                     With those of :mod:`mmalign.study.preparation`.
    """

    metric: str
    view_a: str
    view_b: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", complete_options(self.metric, self.options))


@dataclass(frozen=True)
class Study:
    """What is to be computed, in order. Nothing here says where or on how many cores.

    name, preset:  for people. dataset, dataset_name: of the data as trained on.
    encoder_cells: every encoder. alignments: every comparison between two views.
    """

    name: str
    preset: str
    dataset: str
    dataset_name: str
    encoder_cells: tuple[EncoderCell, ...]
    alignments: tuple[Alignment, ...]

    def __post_init__(self) -> None:
        if not self.encoder_cells:
            raise UserError(f"The study {self.name!r} has no encoders.")
        repeated = [cell for cell, times in Counter(self.encoder_cells).items() if times > 1]
        if repeated:
            raise UserError(f"The study {self.name!r} lists {repeated[0]} more than once.")
        views = {cell.view for cell in self.encoder_cells}
        for alignment in self.alignments:
            for view in (alignment.view_a, alignment.view_b):
                if view not in views:
                    raise UserError(
                        f"The study {self.name!r} compares the view {view!r}, for which it trains "
                        f"no encoder; it trains {', '.join(sorted(views))}."
                    )

    def of_view(self, view: str) -> list[EncoderCell]:
        """Return the encoders of one view, in order."""
        return [cell for cell in self.encoder_cells if cell.view == view]

    def alignment_cells(self, alignment: Alignment) -> list[AlignmentCell]:
        """Return the cells of one comparison, for every encoder of view a, every one of view b."""
        return [
            AlignmentCell(a.hash, b.hash, alignment.metric, alignment.options)
            for a in self.of_view(alignment.view_a)
            for b in self.of_view(alignment.view_b)
        ]

    def cells(self) -> list[Cell]:
        """Return every cell: encoders first, then alignments."""
        return [
            *self.encoder_cells,
            *(cell for alignment in self.alignments for cell in self.alignment_cells(alignment)),
        ]

    def check_dataset(self, dataset: PairedDataset) -> None:
        """Raise UserError unless the study was made for ``dataset`` and can be run on it."""
        if dataset.fingerprint != self.dataset:
            raise UserError(
                f"The study {self.name!r} was made for data with the fingerprint "
                f"{self.dataset[:16]}, but the dataset {dataset.name!r} has "
                f"{dataset.fingerprint[:16]}."
            )
        n = len(dataset.splits["test"])
        for alignment in self.alignments:
            needed = smallest_n(alignment.metric, alignment.options)
            if n < needed:
                raise UserError(
                    f"{alignment.metric} with {dict(alignment.options)} needs at least {needed} "
                    f"test samples, but {dataset.name!r} has {n}."
                )

    def describe(self) -> dict[str, Any]:
        """Return the study as plain JSON content; :func:`study_from_json` is the inverse."""
        return {
            "name": self.name,
            "preset": self.preset,
            "dataset": {"name": self.dataset_name, "fingerprint": self.dataset},
            "seeds": sorted({cell.seed for cell in self.encoder_cells}),
            "cells": [{"hash": cell.hash, **cell.describe()} for cell in self.encoder_cells],
            "alignments": [asdict(alignment) for alignment in self.alignments],
        }


def study_from_json(content: Mapping[str, Any]) -> Study:
    """Make the study that :meth:`Study.describe` wrote; raises UserError for anything else."""
    try:
        cells = [dict(cell) for cell in content["cells"]]
        hashes = [cell.pop("hash") for cell in cells]
        study = Study(
            content["name"],
            content["preset"],
            content["dataset"]["fingerprint"],
            content["dataset"]["name"],
            tuple(cell_from_json(cell) for cell in cells),
            tuple(Alignment(**alignment) for alignment in content["alignments"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"study.json does not describe a study ({error!r}).") from None
    for cell, recorded in zip(study.encoder_cells, hashes, strict=True):
        if cell.hash != recorded:
            raise UserError(f"study.json was altered: {cell} is not the cell {recorded}.")
    return study
