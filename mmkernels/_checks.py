"""The rules every metric shares, and the sentences that say which one was broken."""

from __future__ import annotations

import operator
from typing import Any

METRICS = ("cosine", "ip", "l2")
MOST_CANDIDATES = 2**31 - 1  # lists of candidates hold 31 bits of their indices


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        names = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"{name} must be one of {names}; it is {value!r}.")
    return value


def at_least(n: int, least: int, name: str, shape: tuple[int, ...], why: str) -> None:
    if n < least:
        raise ValueError(f"{why} needs at least {least} samples; {name} has shape {tuple(shape)}.")


def neighbor_count(k: Any, candidates: int, name: str, shape: tuple[int, ...]) -> int:
    """k as an int, between 1 and the number of candidates a row has."""
    try:
        k = operator.index(k)
    except TypeError:
        raise TypeError(f"k must be an integer; it is {k!r}.") from None
    if candidates > MOST_CANDIDATES:
        raise ValueError(
            f"{name} may have at most {MOST_CANDIDATES} rows to find neighbours among; its shape "
            f"is {tuple(shape)}."
        )
    if not 1 <= k <= candidates:
        raise ValueError(
            f"k must be between 1 and {candidates}, the number of candidates a row of {name} has "
            f"(its shape is {tuple(shape)}); it is {k}."
        )
    return k
