"""Time that a whole run may take, dealt out to measurements in the order of their importance."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        return max(0.0, self._end - self._clock())

    def grant(self, wanted: float, least: float) -> float | None:
        """What a measurement that wants `wanted` seconds may take; None if less than `least`."""
        left = self.left()
        return min(wanted, left) if left >= least else None


def rounds(first: float, seconds: float, most: int) -> int:
    """How often to time a call that took `first` seconds, at least once."""
    return max(1, min(most, int(seconds / first))) if first > 0 else most
