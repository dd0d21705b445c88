"""The order in which an epoch visits the samples."""

from __future__ import annotations

import numpy as np

from .._checks import integer_between
from .._native import _cpu


def batch_order(seed: int, epoch: int, n: int) -> np.ndarray:
    """(n,) int64 permutation in which epoch ``epoch`` (from 0) under ``seed`` visits n samples.

    Batches are its slices of ``batch_size``, the last one shorter. The same on every device; see
    ``csrc/core/batch_order.hpp``. O(n).

    >>> sorted(batch_order(0, 0, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    seed = integer_between("seed", seed, 0, 2**63 - 1)
    epoch = integer_between("epoch", epoch, 0, 2**63 - 1)
    n = integer_between("n", n, 1, 2**31)
    return _cpu.batch_order(seed, epoch, n)
