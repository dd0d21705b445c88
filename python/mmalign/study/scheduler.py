"""Which cell goes to which worker, and what happens when one of them fails."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from .cell import EncoderCell
from .directory import RunLog
from .pool import Worker, WorkerPool
from .progress import StudyProgress

_ATTEMPTS = 2
_LOOK_SECONDS = 0.5


class Scheduler:
    """Hands the missing encoders to the workers of a pool, the longest first."""

    def __init__(
        self,
        pool: WorkerPool,
        cells: list[EncoderCell],
        estimates: dict[EncoderCell, float],
        progress: StudyProgress,
        log: RunLog,
    ) -> None:
        self._pool = pool
        self._waiting = deque(sorted(cells, key=lambda cell: -estimates[cell]))
        self._unfinished = set(cells)
        self._elsewhere: list[EncoderCell] = []
        self._looked = time.monotonic()
        self._told = False
        self._deaths: dict[EncoderCell | None, int] = {}
        self._failures: list[str] = []
        self._progress = progress
        self._log = log

    def run(self) -> list[str]:
        """Return when every cell is in the store or diverged; a sentence for each that did.

        Raises as :func:`run_study` says for whatever else goes wrong.
        """
        while self._unfinished:
            self._assign()
            received = self._pool.receive(_LOOK_SECONDS)
            if received is not None:
                self._handle(*received)
        return self._failures

    def _assign(self) -> None:
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            # What another run had claimed may be finished by now, or free again.
            self._looked = time.monotonic()
            self._waiting.extend(self._elsewhere)
            self._elsewhere.clear()
        while self._waiting and self._pool.idle:
            self._pool.idle.pop().send(self._waiting.popleft())

    def _handle(self, worker: Worker, message: Mapping[str, Any]) -> None:
        event, cell = message["event"], worker.cell
        if event == "ready":
            self._pool.idle.append(worker)
        elif event == "claimed":
            self._progress.started(cell)
        elif event == "progress":
            self._progress.trained(cell, message["epochs"])
        elif event == "died":
            self._died(worker)
        else:
            worker.cell = None
            self._pool.idle.append(worker)
            if event == "busy":
                self._busy(cell)
            elif event == "failed":
                self._failed(cell, message)
            else:
                if event == "done":
                    seconds = round(message["seconds"], 3)
                    self._log.write("encoder", cell=cell.hash, name=str(cell), seconds=seconds)
                self._unfinished.discard(cell)
                self._progress.finished(cell, here=event == "done")

    def _busy(self, cell: EncoderCell) -> None:
        self._elsewhere.append(cell)
        if not self._told:
            self._told = True
            self._progress.say(f"Another run is training the {cell}; its result will be used.")

    def _failed(self, cell: EncoderCell, message: Mapping[str, Any]) -> None:
        if message["cause"] == "defect":
            raise RuntimeError(f"Training the {cell} failed:\n{message['message']}")
        if message["cause"] == "surroundings":
            raise UserError(message["message"])
        self._log.write("failed", cell=cell.hash, message=message["message"])
        self._progress.say(message["message"])
        self._failures.append(message["message"])
        self._unfinished.discard(cell)
        self._progress.finished(cell, here=False)

    def _died(self, worker: Worker) -> None:
        if worker not in self._pool.workers:
            return
        cell, words = worker.cell, worker.last_words()
        self._pool.discard(worker)
        self._deaths[cell] = self._deaths.get(cell, 0) + 1
        what = "starting" if cell is None else f"training the {cell}"
        self._log.write("worker died", cell=None if cell is None else cell.hash, how=words)
        if self._deaths[cell] >= _ATTEMPTS:
            raise UserError(
                f"A worker process ended {_ATTEMPTS} times while {what} ({words}). Finished cells "
                f"are kept; the same command continues from them."
            )
        self._progress.say(f"A worker process ended while {what} ({words}); trying once more.")
        if cell is not None:
            self._waiting.appendleft(cell)
        self._pool.start()
