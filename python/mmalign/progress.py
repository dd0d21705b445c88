"""How far something long is: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

PLAIN_SECONDS = 20.0
_KNOWN_SECONDS = 2.0  # of work, before which no time left is said

Own = TypeVar("Own", bound="Display")


class Display:
    """A bar with a description and ``columns``; shown within a ``with`` block."""

    def __init__(self, console: Console, *columns: ProgressColumn) -> None:
        self._console = console
        self._said = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            *columns,
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self: Own) -> Own:
        self._bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def say_at_times(self, text: str) -> None:
        """Where no bar is shown, print a line unless one was printed just now."""
        if not self._console.is_terminal and time.monotonic() - self._said >= PLAIN_SECONDS:
            self._said = time.monotonic()
            self.say(text)


class TimedDisplay(Display):
    """A bar with the share done, the time so far and the words in the field "left"."""

    def __init__(self, console: Console) -> None:
        left = TextColumn("{task.fields[left]}")
        super().__init__(console, TaskProgressColumn(), TimeElapsedColumn(), left)


class WorkProgress(TimedDisplay):
    """Turns work done into a share and a time left, at the pace of this run.

    work: all that is to be done, in a unit of the caller's.
    """

    def __init__(self, work: float, console: Console) -> None:
        super().__init__(console)
        self._work, self._done = max(work, 1e-9), 0.0
        self._started = time.monotonic()
        self._task = self._bar.add_task("", total=1.0, left="")

    def done(self, work: float, description: str) -> None:
        """Note that ``work`` more is done; ``description`` says where the run is now."""
        self._done += work
        now = time.monotonic()
        left = ""
        if now - self._started >= _KNOWN_SECONDS and self._done > 0:
            seconds = (now - self._started) * (self._work - self._done) / self._done
            left = f"about {spoken(seconds)} left"
        self._bar.update(
            self._task, completed=self._done / self._work, description=description, left=left
        )
        self.say_at_times(", ".join(part for part in (description, left) if part))


def spoken(seconds: float) -> str:
    """Say a duration as a person would: "40 s", "5 min", "3 h 20 min"; minutes are rounded up."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"
