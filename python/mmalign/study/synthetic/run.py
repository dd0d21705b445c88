"""Running a synthetic study: everything that is missing, nothing twice."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from operator import add, mul
from typing import TypeVar

from rich.console import Console
from threadpoolctl import threadpool_limits

import mmkernels

from ...progress import WorkProgress
from ...training.determinism import resolve_device
from ..directory import RunLog, StudyDirectory
from ..run import RunSummary
from ..stopped import finished_cells_kept
from ..store import CellStore
from .cell import MeasurementCell, TrainingCell
from .description import SyntheticStudy, Unit
from .measurement import measure
from .results import information_table, write_synthetic_tables
from .training import train_cells

# Enough networks in a call that its end, when threads or multiprocessors run out of work, does not
# count for much.
_NETWORKS_PER_THREAD = 8
_NETWORKS_ON_A_DEVICE = 2000
_WAIT_SECONDS = 0.2


def run_synthetic_study(
    study: SyntheticStudy,
    directory: str | os.PathLike[str],
    *,
    device: str = "cpu",
    console: Console | None = None,
) -> RunSummary:
    """Compute what ``directory`` lacks of the study, seed by seed, then write its tables.

    device:  where encoders train: "cpu" (all its cores), "cuda", "cuda:N" or "auto". Measurements
             are the CPU's.
    console: where progress is shown; standard error by default.

    A run that was stopped by whatever means is continued by the same call, on one kind of device
    to the same bytes. Several runs may share a directory; each cell is computed by one of them.
    Raises UserError, and KeyboardInterrupt with a line for the user (finished cells kept).
    """
    console = console or Console(stderr=True)
    with finished_cells_kept(directory), threadpool_limits(1, "blas"):
        return _run(study, StudyDirectory(directory), str(resolve_device(device)), console)


def _run(study: SyntheticStudy, place: StudyDirectory, device: str, console: Console) -> RunSummary:
    started = time.monotonic()
    changed = place.open(study)
    if changed:
        text = f"Continuing with other versions than it began with: {', '.join(changed)}."
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    # Takes seconds, and what keeps it from being written down is better known now.
    information_table(study)
    units = list(study.units())
    cells = {cell.hash: cell for unit in units for cell in (*unit.training, unit.measurement)}
    damaged = [text for cell in cells if (text := place.store.discard_damaged(cell))]
    missing = {name: cell for name, cell in cells.items() if not place.store.has(name)}
    progress = WorkProgress(sum(map(_work, missing.values())), console)
    with place.log() as log, progress:
        for text in damaged:
            progress.say(f"{text} It will be computed again.")
        log.write(
            "run",
            device=device,
            threads=mmkernels.get_num_threads(),
            missing=len(missing),
            platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        )
        if missing:
            progress.say(_announcement(missing, len(cells)))
        for group in _groups(units, missing, device):
            _compute(group, place.store, device, progress, log)
        log.write("end")
    with place.exclusive():
        write_synthetic_tables(place.path)
        place.tidy()
    return RunSummary(len(missing), len(cells) - len(missing), time.monotonic() - started)


def _groups(
    units: list[Unit], missing: dict[str, TrainingCell | MeasurementCell], device: str
) -> Iterator[list[Unit]]:
    """Units one after the other, as many as make a call of enough networks."""
    enough = _NETWORKS_PER_THREAD * mmkernels.get_num_threads()
    if device != "cpu":
        enough = _NETWORKS_ON_A_DEVICE
    group: list[Unit] = []
    networks = 0
    for unit in units:
        wanted = [cell for cell in unit.training if cell.hash in missing]
        if not wanted and unit.measurement.hash not in missing:
            continue
        group.append(unit)
        networks += sum(len(cell.depths) for cell in wanted)
        if networks >= enough:
            yield group
            group, networks = [], 0
    if group:
        yield group


def _compute(
    group: list[Unit], store: CellStore, device: str, progress: WorkProgress, log: RunLog
) -> None:
    """Train and measure what the units lack; what another run is computing is waited for."""

    def note(cell: TrainingCell | MeasurementCell, seconds: float) -> None:
        log.write(cell.kind, cell=cell.hash, seconds=round(seconds, 6))

    training = list(dict.fromkeys(cell for unit in group for cell in unit.training))

    def train(cells: list[TrainingCell]) -> None:
        before = time.perf_counter()
        train_cells(cells, store, device)
        for cell in cells:
            note(cell, (time.perf_counter() - before) / len(cells))
            progress.done(_work(cell), f"training, {_place(group[-1])}")

    _claimed(training, store, train)
    for unit in group:

        def take(cells: list[MeasurementCell], unit: Unit = unit) -> None:
            before = time.perf_counter()
            measure(cells[0], unit.training, store)
            note(cells[0], time.perf_counter() - before)
            progress.done(_work(cells[0]), f"measuring, {_place(unit)}")

        _claimed([unit.measurement], store, take)


Cell = TypeVar("Cell", TrainingCell, MeasurementCell)


def _claimed(cells: list[Cell], store: CellStore, compute: Callable[[list[Cell]], None]) -> None:
    """Compute the cells that are missing and that no other run has claimed, until all are there."""
    while missing := [cell for cell in cells if not store.has(cell.hash)]:
        with ExitStack() as stack:
            mine = [cell for cell in missing if stack.enter_context(store.claim(cell.hash))]
            mine = [cell for cell in mine if not store.has(cell.hash)]
            if mine:
                compute(mine)
                continue
        time.sleep(_WAIT_SECONDS)


def _work(cell: TrainingCell | MeasurementCell) -> float:
    """Roughly the seconds of one core; only shares of the whole are made of it."""
    if isinstance(cell, TrainingCell):
        return 5.6e-4 * sum(cell.depths) * cell.epochs
    layers, pairs = (f(sum(cell.depths_1), sum(cell.depths_2)) for f in (add, mul))
    permuted = sum(request.calibrated for request in cell.metrics) * cell.permutations
    return 9e-10 * layers * cell.samples**2 * len(cell.metrics) + (
        1.4e-7 * pairs * cell.samples * permuted
    )


def _place(unit: Unit) -> str:
    return (
        f"seed {unit.measurement.seed}, {unit.task} task, U {unit.uniqueness}, transform depth "
        f"{unit.measurement.transform_depth}"
    )


def _announcement(missing: dict[str, TrainingCell | MeasurementCell], cells: int) -> str:
    training = [cell for cell in missing.values() if isinstance(cell, TrainingCell)]
    networks = sum(len(cell.depths) for cell in training)
    return (
        f"{networks:,} encoders to train, {len(missing) - len(training):,} comparisons to measure, "
        f"{cells - len(missing):,} cells already there."
    )
