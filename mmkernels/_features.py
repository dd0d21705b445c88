"""Rows measured and centred by the engine, and the sentences that say what is wrong with them."""

from __future__ import annotations

from typing import Any

from ._arrays import Input
from ._native import _cpu


def neighbor_features(rows: Input, metric: str, frame: Any = None) -> Any:
    unit = metric == "cosine"
    features = _cpu.Features(rows.values, rows.type, unit, True, frame)
    require_usable(features, rows)
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
