"""How far an extraction is."""

from __future__ import annotations

from rich.console import Console
from rich.progress import MofNCompleteColumn, TimeElapsedColumn, TimeRemainingColumn

from ..progress import Display


class ExtractionProgress(Display):
    """Counts samples of ``total``, ``done`` of which an earlier run has extracted."""

    def __init__(self, name: str, total: int, done: int, console: Console) -> None:
        super().__init__(console, MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._name, self._total, self._done = name, total, done
        self._task = self._bar.add_task(name, total=total, completed=done)

    def advance(self, samples: int) -> None:
        """Note that a batch is through."""
        self._done += samples
        self._bar.update(self._task, completed=self._done)
        self.say_at_times(f"{self._name}: {self._done} of {self._total} samples")
