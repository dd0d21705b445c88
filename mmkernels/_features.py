"""Rows measured and centred by the engine, and the sentences that say what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import Input
from ._dense import doubles
from ._kernels import LINEAR
from ._native import _cpu

# Below it, squares of what float64 can tell apart of such rows leave its normal range.
_TINY = 2.0**-400


def kernel_features(rows: Input, kernel: str) -> Any:
    """What a kernel is computed from: unit rows for "cosine", a robust centre where any will do."""
    unit = kernel == "cosine"
    features = _cpu.Features(rows.values, rows.type, unit, kernel not in LINEAR)
    require_usable(features, rows)
    if unit and features.zero_rows:
        raise ValueError(
            f"{rows.name} has a zero row (row {features.zero_rows[0]}; shape {rows.shape}), whose "
            "cosine is not defined; remove the sample from both sides."
        )
    return features


def precomputed_matrix(rows: Input) -> Any:
    """The caller's kernel matrix, checked: square, finite, symmetric to rounding."""
    if rows.shape[0] != rows.shape[1]:
        raise ValueError(
            f"{rows.name} must be a square kernel matrix, (n_samples, n_samples), for "
            f"kernel='precomputed'; its shape is {tuple(rows.shape)}."
        )
    matrix = _cpu.PrecomputedMatrix(rows.values, rows.type)
    require_usable(matrix, rows)
    i, j = matrix.asymmetric
    if i >= 0:
        raise ValueError(
            f"{rows.name} must be a symmetric kernel matrix for kernel='precomputed'; its values "
            f"at ({i}, {j}) and ({j}, {i}) differ by more than rounding (shape {rows.shape})."
        )
    return matrix


def neighbor_features(rows: Input, metric: str, frame: Any = None) -> Any:
    """Candidates, or queries in the ``frame`` of theirs.

    Where squares of the candidates would underflow, both are multiplied by 2 ** features.exponent:
    neighbours stay the same, and scores are as many times larger, squared.
    """
    unit = metric == "cosine"
    exponent = frame.exponent if frame is not None else 0
    if not exponent:
        features = _cpu.Features(rows.values, rows.type, unit, True, frame)
        require_usable(features, rows)
        if frame is None and not unit and 0 < features.largest_norm < _TINY:
            exponent = -int(np.frexp(features.largest_norm)[1])
    if exponent:
        with np.errstate(over="ignore"):  # of queries, which are then refused
            values = np.ldexp(doubles(rows), exponent)
        features = _cpu.Features(values, "float64", unit, True, frame)
        require_usable(features, rows)
        features.exponent = exponent
    if unit and features.zero_rows:
        raise ValueError(
            f"{rows.name} has a zero row (row {features.zero_rows[0]}; shape {rows.shape}), whose "
            'cosine is not defined; remove it, or pass zero_rows="exclude" to a metric.'
        )
    return features


def require_usable(features: Any, rows: Input, first: int = 0) -> None:
    """Raise ValueError for values that no metric is defined on; row 0 of features is `first`."""
    if features.first_nonfinite >= 0:
        raise ValueError(
            f"{rows.name} has NaN or infinity in row {first + features.first_nonfinite} (shape "
            f"{rows.shape}); all values must be finite."
        )
    if features.overflows:
        raise ValueError(
            f"{rows.name} holds values so large that squared norms overflow (shape {rows.shape}); "
            "rescale it."
        )
