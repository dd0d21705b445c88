"""What a score is worth beside scores of samples paired at random (Groger, Wen and Brbic 2026)."""

from __future__ import annotations

import math

import numpy as np

LEVEL = 0.05
# With fewer, even a score that none of them reaches is not beyond the level.
LEAST_PERMUTATIONS = 19


def threshold(score: np.ndarray, null: np.ndarray) -> np.ndarray:
    """The score's and its nulls' element number ceil((1 - level)(K + 1)), in rising order.

    score: (...) and null: (K, ...). An element, not an interpolated quantile, which would lie below
    it and let too many through.
    """
    pooled = np.sort(np.concatenate([null, score[None]]), axis=0)
    return pooled[math.ceil((1 - LEVEL) * len(pooled)) - 1]


def calibrated(score: np.ndarray, null: np.ndarray) -> np.ndarray:
    """(score - threshold) / (1 - threshold), between 0 and 1."""
    least = threshold(score, null)
    return np.clip((score - least) / np.maximum(1 - least, 1e-12), 0, 1)


def p_value(score: np.ndarray, null: np.ndarray) -> np.ndarray:
    """(1 + the nulls that reach the score) / (1 + K); NaN where the score is."""
    found = (1 + (null >= score).sum(axis=0)) / (1 + len(null))
    return np.where(np.isnan(score), np.nan, found)
