"""Running the studies of all balances, one after the other."""

from __future__ import annotations

import os

from rich.console import Console

from ...data.digits_and_voices import DigitsAndVoices
from ...training.determinism import resolve_device
from ..pool import check_workers
from ..run import RunSummary, run_study
from ..stopped import finished_cells_kept
from .description import DigitsAndVoicesStudy, balance_directory, open_directory
from .latents import write_latents


def run_digits_and_voices_study(
    study: DigitsAndVoicesStudy,
    data: DigitsAndVoices,
    directory: str | os.PathLike[str],
    *,
    device: str = "cpu",
    workers: int | None = None,
    console: Console | None = None,
) -> RunSummary:
    """Compute what ``directory`` lacks of the study, balance by balance.

    data: what the study was made for. device, workers, console: as for
    :func:`mmalign.study.run.run_study`, which computes each balance in ``balances/NAME``.

    A run that was stopped by whatever means is continued by the same call, to the same bytes.
    Raises what that function raises.
    """
    console = console or Console(stderr=True)
    check_workers(workers)
    resolve_device(device)
    open_directory(directory, study)
    done = RunSummary(0, 0, 0.0)
    for number, balance in enumerate(study.balances, start=1):
        console.print(
            f"Balance {number} of {len(study.balances)}, {balance.name}: name {balance.task}.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        place = balance_directory(directory, balance.name)
        one = run_study(
            study.studies[balance.name],
            data.at(balance),
            place,
            device=device,
            workers=workers,
            console=console,
        )
        with finished_cells_kept(directory):
            write_latents(data, balance, place)
        done = RunSummary(
            done.computed + one.computed, done.found + one.found, done.seconds + one.seconds
        )
    return done
