"""The search for learning rates and weight decays, repeated.

As published: for every redundancy and view 8 trials over learning rates and weight decays, each
the mean validation accuracy of the 7 cells whose encoder is as deep as the transform or one layer
shallower, both of at most 4. Trials are kept by Optuna in the search's own storage and trained
cells in its own store, so that a search that was stopped goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np

from ...training import TrainingDiverged
from ...training.determinism import resolve_device
from ..hyperparameters import Hyperparameters, Searches, SearchSpace
from ..store import CellStore
from .cell import TrainingCell
from .description import VIEWS, SyntheticStudy
from .training import train_cells

SPACE = SearchSpace(
    learning_rates=(1e-3, 5e-3, 1e-2, 5e-2), weight_decays=(0.0, 1e-4, 1e-3, 1e-2, 1e-1)
)
TRIALS = 8
_SEED = 42
_DEEPEST = 4


def tune(
    study: SyntheticStudy,
    directory: str | os.PathLike[str],
    *,
    device: str = "cpu",
    trials: int = TRIALS,
    say: Callable[[str], None] = lambda text: None,
) -> dict[tuple[int, int], Hyperparameters]:
    """Search for every redundancy of the study's first grid and both views; return the best.

    Results stay in ``directory``, from which the same call continues to the same answer. ``say``
    is told each search's result. Of equal trials the first is best. Raises UserError where Optuna
    is not installed, the device is not there, or the directory cannot be used.
    """
    device = str(resolve_device(device))
    store = CellStore(directory)
    store.prepare()
    searches = Searches(directory)
    found = {}
    for uniqueness in study.grids[0].uniqueness:
        redundancy = study.grids[0].settings.task_bits - uniqueness
        for view in VIEWS:

            def score(
                chosen: Hyperparameters, redundancy: int = redundancy, view: int = view
            ) -> float:
                return _score(_cells(study, redundancy, view, chosen), store, device)

            name = f"redundancy {redundancy}, view {view}"
            best, value = searches.sample(name, SPACE, score, trials=trials, seed=_SEED)
            found[redundancy, view] = best
            say(f"{name}: {best}, {value:.4f} right")
    return found


def _cells(
    study: SyntheticStudy, redundancy: int, view: int, chosen: Hyperparameters
) -> list[TrainingCell]:
    settings, seed = study.grids[0].settings, study.seeds[0]
    cells = []
    for transform_depth in range(1, _DEEPEST + 1):
        cell = study.training_cell(settings, redundancy, transform_depth, view, seed)
        depths = tuple(d for d in (transform_depth - 1, transform_depth) if d >= 1)
        cells.append(replace(cell, depths=depths, **asdict(chosen)))
    return cells


def _score(cells: list[TrainingCell], store: CellStore, device: str) -> float:
    """Mean validation accuracy; of networks that diverge, 0."""
    missing = [cell for cell in cells if not store.has(cell.hash)]
    if missing:
        try:
            train_cells(missing, store, device)
        except TrainingDiverged:
            return 0.0
    encoders = [one for cell in cells for one in store.read_meta(cell.hash)["encoders"]]
    return float(np.mean([one["valid_accuracy"] for one in encoders]))
