"""How far a synthetic study is: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console

from ..estimate import spoken
from ..progress import PLAIN_SECONDS, new_bar

_KNOWN_SECONDS = 2.0  # of work, before which no time left is said


class WorkProgress:
    """Turns work done into a share and a time left, at the pace of this run.

    work: all that is to be done, in a unit of the caller's.
    """

    def __init__(self, work: float, console: Console) -> None:
        self._work, self._done = max(work, 1e-9), 0.0
        self._console = console
        self._started = self._said = time.monotonic()
        self._bar = new_bar(console)
        self._task = self._bar.add_task("", total=1.0, left="")

    def __enter__(self) -> WorkProgress:
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
        if not self._console.is_terminal and now - self._said >= PLAIN_SECONDS:
            self._said = now
            self.say(", ".join(part for part in (description, left) if part))
