"""The rules every metric shares, and the sentences that say which one was broken."""

from __future__ import annotations

import operator
from typing import Any

METRICS = ("cosine", "ip", "l2")
MOST_CANDIDATES = 2**31 - 1  # lists of candidates hold 31 bits of their indices


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        names = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"{name} must be one of {names}; it is {value!r}.")
    return value


def integer(name: str, value: Any) -> int:
    """A whole number as an int; True and False are none."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer; it is {value!r}.") from None


def integer_between(name: str, value: Any, low: int, high: int) -> int:
    value = integer(name, value)
    if not low <= value <= high:
        raise ValueError(f"{name} must be between {low} and {high}; it is {value}.")
    return value


def at_least(n: int, least: int, name: str, shape: tuple[int, ...], why: str) -> None:
    if n < least:
        raise ValueError(f"{why} needs at least {least} samples; {name} has shape {tuple(shape)}.")


def neighbor_count(k: Any, candidates: int, name: str, shape: tuple[int, ...]) -> int:
    """k as an int, between 1 and the number of candidates a row has."""
    k = integer("k", k)
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
