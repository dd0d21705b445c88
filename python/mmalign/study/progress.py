"""One display for the whole run of a study."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console

from ..progress import TimedDisplay, spoken
from .cell import EncoderCell
from .estimate import makespan

_LONG_SECONDS = 3600.0
# A worker process imports torch and takes its first optimiser step.
_START_SECONDS = 4.0


class StudyProgress(TimedDisplay):
    """Turns estimates and finished work into a share done and a time left.

    estimates:  seconds each missing encoder is expected to train.
    alignments: missing alignment cells, expected to take ``alignment_seconds`` together.
    Estimates come from a few steps on an idle core; the pace of what has been trained so far
    corrects them as the run goes.
    """

    def __init__(
        self,
        estimates: dict[EncoderCell, float],
        workers: int,
        alignments: int,
        alignment_seconds: float,
        console: Console,
    ) -> None:
        super().__init__(console)
        self._estimates = estimates
        self._workers = workers
        self._alignments = alignments
        self._per_alignment = alignment_seconds / max(alignments, 1)
        self._aligned = 0
        self._share = dict.fromkeys(estimates, 0.0)
        self._spent: dict[EncoderCell, float] = {}
        self._running: dict[EncoderCell, float] = {}
        self._task = self._bar.add_task(self._description(), total=1.0, left="")

    def __enter__(self) -> StudyProgress:
        super().__enter__()
        self._show()
        return self

    def expected(self) -> str:
        """Say how long what is left will take, and of long times what shortens them."""
        left = self._left()
        if left < _LONG_SECONDS:
            return spoken(left)
        return f"{spoken(left)} (fewer depths, seeds or epochs take less, and so does a GPU)"

    def started(self, cell: EncoderCell) -> None:
        """Note that a worker began to train ``cell``."""
        self._running[cell] = time.monotonic()
        self._share[cell] = 0.0

    def trained(self, cell: EncoderCell, epochs: int) -> None:
        """Note how many epochs of a running cell are done."""
        self._share[cell] = epochs / cell.epochs
        if cell in self._running:
            self._spent[cell] = time.monotonic() - self._running[cell]
        self._show()

    def finished(self, cell: EncoderCell, *, here: bool) -> None:
        """Note that a cell is in the store; ``here`` if this run trained it."""
        if here:
            self.trained(cell, cell.epochs)
        self._share[cell] = 1.0
        self._running.pop(cell, None)
        self._show()

    def aligned(self) -> None:
        """Note one more finished alignment cell."""
        self._aligned += 1
        self._show()

    def _pace(self) -> float:
        """Seconds that a second of the estimates has really taken."""
        expected = sum(self._estimates[cell] * self._share[cell] for cell in self._spent)
        return sum(self._spent.values()) / expected if expected > 0 else 1.0

    def _left(self) -> float:
        remaining = [self._estimates[cell] * (1 - share) for cell, share in self._share.items()]
        training = makespan(remaining, self._workers) * self._pace()
        if remaining and not self._spent:
            training += _START_SECONDS
        return training + self._per_alignment * (self._alignments - self._aligned)

    def _description(self) -> str:
        done = _count(self._share.values())
        if done < len(self._share):
            return f"training encoders {done}/{len(self._share)}"
        return f"measuring alignments {self._aligned}/{self._alignments}"

    def _show(self) -> None:
        left = self._left()
        training = sum(self._estimates.values()) * self._pace() / self._workers
        total = training + self._per_alignment * self._alignments
        done = max(0.0, 1.0 - left / total) if total > 0 else 1.0
        self._bar.update(
            self._task,
            completed=done,
            description=self._description(),
            left=f"about {spoken(left)} left",
        )
        self.say_at_times(f"{self._description()}, about {spoken(left)} left")


def _count(shares: Iterable[float]) -> int:
    return sum(share >= 1.0 for share in shares)
