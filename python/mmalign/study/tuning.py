"""A search for the learning rate and weight decay of every view of a study.

Every pair of a search space is scored by the best validation accuracy of the encoders at the
study's first seed, averaged over its depths: what the authors of arXiv 2502.16282 did on real data.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

import numpy as np
import torch
from rich.console import Console

from ..data.paired import PairedDataset
from ..errors import UserError
from ..training.determinism import resolve_device
from ..training.view import view_data
from .cell import EncoderCell, canonical_json
from .dataset_file import write_dataset_file
from .description import Study
from .directory import StudyDirectory
from .estimate import training_seconds
from .hyperparameters import Hyperparameters, Searches, SearchSpace
from .pool import WorkerPool, check_workers, how_many_workers, spoken_workers
from .progress import StudyProgress
from .scheduler import Scheduler
from .stopped import finished_cells_kept
from .store import CellStore


def tune(
    study: Study,
    dataset: PairedDataset,
    directory: str | os.PathLike[str],
    space: SearchSpace,
    *,
    device: str = "cpu",
    workers: int | None = None,
    console: Console | None = None,
) -> dict[str, Hyperparameters]:
    """Score every pair of ``space`` for every view of ``study``; return the best of each view.

    dataset:   as :func:`mmalign.study.run_study` takes it; device, workers, console likewise.
    directory: where the scores of finished trials are kept (``trials.jsonl``) and, while a trial
               runs, its finished encoders; the same call goes on from them to the same answer.

    An encoder that diverges counts as 0; of equal pairs the first is best. Raises UserError, also
    where Optuna is not installed or another run is searching in ``directory``.
    """
    console = console or Console(stderr=True)
    study.check_dataset(dataset)
    check_workers(workers)
    torch_device = resolve_device(device)
    place = StudyDirectory(directory)
    with finished_cells_kept(directory):
        place.store.prepare()
        with place.store.claim("search") as mine:
            if not mine:
                raise UserError(f"Another run is searching in {directory}; wait for its end.")
            search = _Search(study, dataset, place, space)
            search.run(torch_device, workers, console)
            return search.best(console)


def with_hyperparameters(study: Study, chosen: Mapping[str, Hyperparameters]) -> Study:
    """Return the study with other learning rates and weight decays, by view."""
    cells = tuple(replace(cell, **asdict(chosen[cell.view])) for cell in study.encoder_cells)
    return replace(study, encoder_cells=cells)


class _Search:
    """One search per view, and the encoders of each pair of values."""

    def __init__(
        self, study: Study, dataset: PairedDataset, place: StudyDirectory, space: SearchSpace
    ) -> None:
        self._dataset = dataset
        self._place = place
        self._space = space
        self._searches = Searches(place.path)
        seed = study.encoder_cells[0].seed
        self._cells: dict[str, dict[Hyperparameters, list[EncoderCell]]] = {
            view: {
                chosen: [
                    replace(cell, **asdict(chosen))
                    for cell in study.of_view(view)
                    if cell.seed == seed
                ]
                for chosen in space.all()
            }
            for view in dict.fromkeys(cell.view for cell in study.encoder_cells)
        }

    def run(self, device: torch.device, workers: int | None, console: Console) -> None:
        """Score every pair that has no score yet."""
        place = self._place
        unscored = self._unscored()
        if not unscored:
            return
        for cell in unscored:
            place.store.discard_damaged(cell.hash)
        missing = [cell for cell in unscored if not place.store.has(cell.hash)]
        count = how_many_workers(workers, device, len(missing))
        views = {view: view_data(self._dataset, view) for view in self._cells}
        estimates = training_seconds(missing, views, device)
        progress = StudyProgress(estimates, count, 0, 0.0, console)
        with place.log() as log, progress:
            log.write("run", device=str(device), workers=count, missing=len(missing))
            progress.say(
                f"Search for learning rates and weight decays: {len(missing)} encoders to train "
                f"on {spoken_workers(count)}: about {progress.expected()}."
            )
            write_dataset_file(self._dataset, place.dataset_file)
            with WorkerPool(place.path, place.dataset_file, str(device), count) as pool:

                def train(cells: list[EncoderCell]) -> None:
                    Scheduler(pool, cells, estimates, progress, log).run()

                for view in self._cells:
                    self._search(view, train)
            log.write("end")
        place.dataset_file.unlink()

    def best(self, console: Console) -> dict[str, Hyperparameters]:
        """Return the best pair of each view, and say it."""
        best = {}
        for view in self._cells:
            scores = self._searches.known(self._name(view))
            best[view] = max(self._space.all(), key=scores.__getitem__)
            text = f"{view}: {best[view]}, validation accuracy {scores[best[view]]:.4f}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
        return best

    def _search(self, view: str, train: Callable[[list[EncoderCell]], None]) -> None:
        store = self._place.store

        def score(chosen: Hyperparameters) -> float:
            self._forget_scored(view)
            cells = self._cells[view][chosen]
            train([cell for cell in cells if not store.has(cell.hash)])
            return _score(cells, store)

        self._searches.try_all(self._name(view), self._space, score)
        self._forget_scored(view)

    def _forget_scored(self, view: str) -> None:
        """Remove the encoders of finished trials: gigabytes that nothing is read from any more."""
        for chosen in self._searches.known(self._name(view)):
            for cell in self._cells[view][chosen]:
                self._place.store.path(cell.hash).unlink(missing_ok=True)

    def _name(self, view: str) -> str:
        """Name a search by all that its scores depend on."""
        hashes = [cell.hash for cells in self._cells[view].values() for cell in cells]
        return f"{view} {hashlib.sha256(canonical_json(hashes).encode()).hexdigest()[:16]}"

    def _unscored(self) -> list[EncoderCell]:
        found = []
        for view, trials in self._cells.items():
            scores = self._searches.known(self._name(view))
            found += [
                cell for chosen, own in trials.items() if chosen not in scores for cell in own
            ]
        return found


def _score(cells: list[EncoderCell], store: CellStore) -> float:
    """Mean validation accuracy of the best epochs; an encoder that is not there diverged."""
    accuracies = [
        store.read_meta(cell.hash)["accuracy"]["valid"] if store.has(cell.hash) else 0.0
        for cell in cells
    ]
    return float(np.mean(accuracies))
