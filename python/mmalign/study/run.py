"""Running a study: everything that is missing, nothing twice."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass

from rich.console import Console

from ..data.paired import PairedDataset
from ..errors import UserError
from ..training.determinism import resolve_device
from ..training.view import view_data
from .alignment import measure_alignments
from .cell import AlignmentCell, EncoderCell
from .dataset_file import write_dataset_file
from .description import Study
from .directory import StudyDirectory
from .estimate import alignment_seconds, training_seconds
from .pool import WorkerPool, check_workers, how_many_workers, spoken_workers
from .progress import StudyProgress
from .results import write_tables
from .scheduler import Scheduler
from .stopped import finished_cells_kept


@dataclass(frozen=True)
class RunSummary:
    """What one run did: cells it computed, cells it found finished, wall seconds."""

    computed: int
    found: int
    seconds: float


def run_study(
    study: Study,
    dataset: PairedDataset,
    directory: str | os.PathLike[str],
    *,
    device: str = "cpu",
    workers: int | None = None,
    console: Console | None = None,
) -> RunSummary:
    """Compute the cells of ``study`` that ``directory`` lacks, then write its tables.

    dataset:  exactly what the encoders see (standardised where that is wanted); its fingerprint
              must be the study's.
    device:   "cpu", "cuda", "cuda:N" or "auto".
    workers:  processes that train, each on one core; by default as many as this process may use,
              and one on a GPU. Results do not depend on it.
    console:  where progress is shown; standard error by default.

    A run that was stopped by whatever means is continued by the same call, to the same bytes.
    Several runs may share a directory; each cell is computed by one of them. An encoder whose
    training diverges does not stop the others; the run then ends in the error. Raises UserError,
    KeyboardInterrupt with a line for the user (workers stopped, finished cells kept), and
    RuntimeError for a defect.
    """
    console = console or Console(stderr=True)
    with finished_cells_kept(directory):
        return _run(study, dataset, StudyDirectory(directory), device, workers, console)


def _run(
    study: Study,
    dataset: PairedDataset,
    place: StudyDirectory,
    device: str,
    workers: int | None,
    console: Console,
) -> RunSummary:
    started = time.monotonic()
    study.check_dataset(dataset)
    torch_device = resolve_device(device)
    check_workers(workers)
    changed = place.open(study)
    if changed:
        _say(console, f"Continuing with other versions than it began with: {', '.join(changed)}.")
    cells = study.cells()
    for cell in cells:
        damage = place.store.discard_damaged(cell.hash)
        if damage:
            _say(console, f"{damage} It will be computed again.")
    missing = [cell for cell in cells if not place.store.has(cell.hash)]
    encoders = [cell for cell in missing if isinstance(cell, EncoderCell)]
    count = how_many_workers(workers, torch_device, len(encoders))

    views = {view: view_data(dataset, view) for view in {cell.view for cell in encoders}}
    estimates = training_seconds(encoders, views, torch_device)
    alignments = len(missing) - len(encoders)
    seconds = 0.0
    if alignments:
        share = alignments / (len(cells) - len(study.encoder_cells))
        seconds = share * alignment_seconds(study, dataset)
    progress = StudyProgress(estimates, count, alignments, seconds, console)
    with place.log() as log, progress:
        log.write(
            "run",
            device=str(torch_device),
            workers=count,
            missing=len(missing),
            platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        )
        if missing:
            progress.say(
                f"{len(encoders)} encoders to train on {spoken_workers(count)}, {alignments} "
                f"alignments to measure, {len(cells) - len(missing)} cells already there: about "
                f"{progress.expected()}."
            )
        if encoders:
            with place.exclusive():
                write_dataset_file(dataset, place.dataset_file)
            with WorkerPool(place.path, place.dataset_file, str(torch_device), count) as pool:
                failures = Scheduler(pool, encoders, estimates, progress, log).run()
            if failures:
                raise UserError(" ".join([*failures, "The other encoders are kept."]))

        def on_cell(cell: AlignmentCell, took: float | None) -> None:
            if took is not None:
                log.write("alignment", cell=cell.hash, seconds=round(took, 6))
            progress.aligned()

        measure_alignments(study, place.store, on_cell)
        log.write("end")
    with place.exclusive():
        write_tables(place.path)
        place.tidy()
    return RunSummary(len(missing), len(cells) - len(missing), time.monotonic() - started)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
