"""What is done to a representation before a metric sees it, where a study asks for it.

Options of any metric, left out of a cell when they are not asked for:

samples:   only the first so many samples of the split.
clamp:     values beyond plus or minus this quantile of their absolute values are set to it; the
           quantile is the exact one of all values of a layer, an element and not interpolated.
unit_rows: True: every row is divided by its Euclidean length.

They are done in this order, which is that of the published code of arXiv 2502.16282.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mmkernels.compat.platonic import remove_outliers

from ..errors import UserError

PREPARATION = ("samples", "clamp", "unit_rows")


def check_preparation(options: Mapping[str, Any], smallest_n: int) -> None:
    """Raise UserError for a value that is not allowed; ``smallest_n`` is the metric's."""
    samples = options.get("samples", smallest_n)
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < smallest_n:
        raise UserError(f"samples must be an integer of at least {smallest_n}, got {samples!r}.")
    clamp = options.get("clamp", 0.5)
    if isinstance(clamp, bool) or not isinstance(clamp, float) or not 0 < clamp < 1:
        raise UserError(f"clamp must be a quantile above 0 and below 1, got {clamp!r}.")
    if options.get("unit_rows", True) is not True:
        raise UserError(f"unit_rows must be True or left out, got {options['unit_rows']!r}.")


def prepare_rows(representation: np.ndarray, options: Mapping[str, Any]) -> np.ndarray:
    """Return the (n, d) representation as ``options`` want it; O(n d), a copy where one is needed.

    Raises ValueError where a row that is to have length 1 is zero.
    """
    rows = representation[: options.get("samples")]
    if "clamp" in options:
        rows = remove_outliers(torch.from_numpy(rows), options["clamp"], exact=True).numpy()
    if "unit_rows" in options:
        lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
        if not lengths.all():
            raise ValueError(f"Row {int(lengths.argmin())} is zero and has no direction.")
        rows = (rows / lengths).astype(np.float32)
    return rows


def prepared_samples(n: int, options: Mapping[str, Any]) -> int:
    """Return how many of ``n`` samples take part."""
    return min(n, options.get("samples", n))
