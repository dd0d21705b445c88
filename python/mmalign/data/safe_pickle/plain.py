"""The last look at what a pickle described: only data, and not far more of it than bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .faults import Refused

MAX_DEPTH = 100
# Sharing a container costs a few bytes, so honest files unfold into about their size; small ones
# may be all sharing.
SLACK = 1_000_000
_SCALARS = (str, bytes, memoryview, int, float, type(None))


def check_plain(value: Any, size: int) -> None:
    """Refuse anything but plain data, cycles, deep nesting, and more than about ``size`` items."""
    if _unfolded(value, 0, {}, set()) > size + SLACK:
        raise Refused(f"containers that unfold into more than {size + SLACK} items")


def _unfolded(value: Any, depth: int, known: dict[int, int], within: set[int]) -> int:
    """Return how many items ``value`` has when what it shares is counted as often as it is met."""
    if isinstance(value, _SCALARS):
        return 1
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, (list, tuple)):
        parts = value
    elif isinstance(value, np.ndarray):
        parts = value.ravel() if value.dtype.hasobject else ()
    else:
        raise Refused(str(value))
    if id(value) in known:
        return known[id(value)]
    if id(value) in within:
        raise Refused(f"a {type(value).__name__} that contains itself")
    if depth == MAX_DEPTH:
        raise Refused(f"containers nested more than {MAX_DEPTH} deep")
    within.add(id(value))
    total = 1 + sum(_unfolded(part, depth + 1, known, within) for part in parts)
    within.discard(id(value))
    known[id(value)] = total
    return total
