"""The subspace that features span, and which of its directions are more than rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import Input
from ._checks import integer
from ._dense import EPSILON, norm
from ._warn import warn


def span(rows: Input, values: np.ndarray, tolerance: float | None) -> tuple[np.ndarray, np.ndarray]:
    """(n, rank) left singular vectors of centred values, largest first, and singular values."""
    n, d = values.shape
    if n > d:
        q, r = np.linalg.qr(values)
        u, sizes, _ = np.linalg.svd(r)
        u = q @ u
    else:
        u, sizes, _ = np.linalg.svd(np.linalg.qr(values.T, mode="r").T)
    rank = rank_of(sizes, values, rows.type, tolerance)
    return u[:, :rank], sizes[:rank]


def rank_of(sizes: np.ndarray, values: np.ndarray, dtype: str, tolerance: float | None) -> int:
    """How many of the singular values of centred values count as more than 0.

    By default those above max(n, d, 32) 2^-52 of the largest, which is what float64 leaves of 0,
    and above epsilon (1 / sqrt(n) + 1 / sqrt(d)) |X|_F, some times the largest singular value of
    what rounding each value to ``dtype`` adds. With a tolerance those of at least that share of the
    largest. Always relative to the values, which may be of any
    scale.
    """
    n, d = values.shape
    if tolerance is not None:
        # The largest value itself counts, also with a tolerance of 1.
        large = (sizes >= tolerance * sizes[0]) & (sizes > 0)
    else:
        rounding = EPSILON.get(dtype, 0.0) * (n**-0.5 + d**-0.5) * norm(values)
        large = sizes > max(max(n, d, 32) * 2.0**-52 * sizes[0], rounding)
    # Centred rows have n - 1 dimensions, whatever rounding makes of the last.
    return min(int(np.count_nonzero(large)), n - 1)


def is_constant(side: Input, basis: np.ndarray, score: str) -> bool:
    """Whether a side spans nothing; warns that its score is NaN."""
    if basis.shape[1]:
        return False
    warn(f"{side.name} is constant (shape {side.shape}): its {score} is 0 / 0, NaN.")
    return True


def count(name: str, value: Any) -> int | None:
    """An option that is a positive whole number, or None."""
    if value is None:
        return None
    number = integer(name, value)
    if number < 1:
        raise ValueError(f"{name} must be at least 1; it is {number}.")
    return number


def share(name: str, value: Any) -> float | None:
    """An option that is a number above 0 and up to 1, or None."""
    if value is None:
        return None
    try:
        number = float("nan") if isinstance(value, bool | np.bool_) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 < number <= 1:
        raise ValueError(f"{name} must be a number above 0 and up to 1; it is {value!r}.")
    return number
