"""Representations as float64 matrices, for metrics that hand them to LAPACK.

Scaled by powers of two, which rounds nothing: every metric here is unchanged by the scale of a
side, and squares of what any float64 can hold then stay in range.
"""

from __future__ import annotations

import numpy as np

from ._arrays import Array, Input, as_input, same_samples
from ._checks import at_least

# Distance from 1 to the next number: how far a value may be from the one that was rounded to it,
# relative to its size, is half of that.
EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23}


def paired_inputs(x: Array, y: Array, least: int, why: str) -> tuple[Input, Input]:
    """Both sides, checked to have the same and enough samples."""
    left, right = as_input("x", x), as_input("y", y)
    same_samples(left, right)
    at_least(left.shape[0], least, left.name, left.shape, why)
    return left, right


def doubles(rows: Input) -> np.ndarray:
    """(n, d) float64 copy."""
    values = rows.values
    if rows.type == "bfloat16":
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return np.array(values, np.float64, order="C", subok=False)


def scaled(rows: Input) -> np.ndarray:
    """(n, d) float64 copy; the largest size of a value is in [1/2, 1), or 0.

    Raises ValueError, naming the first row, for NaN and infinity.
    """
    values = doubles(rows)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"{rows.name} has NaN or infinity in row {int(np.argmin(finite))} (shape "
            f"{rows.shape}); all values must be finite."
        )
    return _rescale(values)


def centered(rows: Input) -> np.ndarray:
    """(n, d) float64 copy less the mean over the samples, scaled; 0 where a feature is constant."""
    values = scaled(rows)
    # Less a row first: a constant feature is then exactly 0, and an offset costs no digits.
    values -= values[0].copy()
    values -= values.mean(axis=0)
    return _rescale(values)


def unit_columns(values: np.ndarray) -> np.ndarray:
    """Divide the columns of centred values by their norms, in place; columns of zeros stay."""
    _rescale(values, axis=0)
    norms = np.sqrt(np.einsum("ij,ij->j", values, values))
    norms[norms == 0] = 1
    values /= norms
    return values


def norm(values: np.ndarray) -> float:
    """Frobenius norm of scaled values."""
    return float(np.sqrt(np.einsum("ij,ij->", values, values)))


def _rescale(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    largest = np.maximum(values.max(axis=axis), -values.min(axis=axis))
    return np.ldexp(values, -np.frexp(largest)[1], out=values)
