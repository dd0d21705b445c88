"""How far an extraction is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_PLAIN_SECONDS = 20.0


class ExtractionProgress:
    """Counts samples of ``total``, ``done`` of which an earlier run has extracted."""

    def __init__(self, name: str, total: int, done: int, console: Console) -> None:
        self._name, self._total, self._done = name, total, done
        self._console = console
        self._said = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(name, total=total, completed=done)

    def __enter__(self) -> ExtractionProgress:
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

    def advance(self, samples: int) -> None:
        """Note that a batch is through."""
        self._done += samples
        self._bar.update(self._task, completed=self._done)
        if not self._console.is_terminal and time.monotonic() - self._said >= _PLAIN_SECONDS:
            self._said = time.monotonic()
            self.say(f"{self._name}: {self._done} of {self._total} samples")
