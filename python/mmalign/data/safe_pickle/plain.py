"""The last look at what a pickle described: only data, and not far more of it than bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .faults import SLACK, Refused

MAX_DEPTH = 100
_SCALARS = (str, bytes, memoryview, int, float, type(None))


def check_plain(value: Any, size: int) -> None:
    """Refuse anything but plain data, cycles, deep nesting, and more than about ``size`` items.

    Sharing a container costs a few bytes, so honest files unfold into about their size.
    """
    _Unfolding(size + SLACK).visit(value, 0)


class _Unfolding:
    """How many items there are when what is shared is counted as often as it is met."""

    def __init__(self, most: int) -> None:
        self.most = most
        # By id: items, and levels below.
        self.known: dict[int, tuple[int, int]] = {}
        self.within: set[int] = set()

    def visit(self, value: Any, depth: int) -> tuple[int, int]:
        """Return the items of ``value`` and the levels below it."""
        if isinstance(value, _SCALARS):
            return 1, 0
        items, levels = self.known.get(id(value)) or self._open(value, depth)
        if depth + levels > MAX_DEPTH:
            raise Refused(f"containers nested more than {MAX_DEPTH} deep")
        return items, levels

    def _open(self, value: Any, depth: int) -> tuple[int, int]:
        parts = _parts(value)
        if id(value) in self.within:
            raise Refused(f"a {type(value).__name__} that contains itself")
        if depth == MAX_DEPTH:
            raise Refused(f"containers nested more than {MAX_DEPTH} deep")
        self.within.add(id(value))
        items, levels = 1, 1
        for part in parts:
            more, below = self.visit(part, depth + 1)
            items, levels = items + more, max(levels, below + 1)
            # At once, as what is shared at every level doubles at every level.
            if items > self.most:
                raise Refused(f"containers that unfold into more than {self.most} items")
        self.within.discard(id(value))
        self.known[id(value)] = items, levels
        return items, levels


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, np.ndarray):
        return value.flat if value.dtype.hasobject else ()
    raise Refused(str(value))
