"""What arrays of samples are like, a block of rows at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..printable import printable
from .report import ArraySummary, Report, SplitSummary

# Rows looked at together hold about this many bytes.
BLOCK_BYTES = 1 << 26


def blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows of an array in blocks of about BLOCK_BYTES."""
    row = max(1, array[:1].nbytes)
    step = max(1, BLOCK_BYTES // row)
    for begin in range(0, len(array), step):
        yield array[begin : begin + step]


def summarise(report: Report, name: str, array: Any) -> None:
    """Add the summary of an array of real numbers; constant features are those of its last axis."""
    name = printable(name)
    if not isinstance(array, np.ndarray):
        report.arrays.append(ArraySummary(name, (), type(array).__name__))
        return
    shape, dtype = array.shape, str(array.dtype)
    if array.dtype.kind not in "fiub" or array.ndim == 0 or array.size == 0:
        report.arrays.append(ArraySummary(name, shape, dtype))
        return
    nan = infinite = 0
    low = high = None
    for block in blocks(array):
        if block.dtype.kind == "f":
            nan += int(np.isnan(block).sum())
            infinite += int(np.isinf(block).sum())
        axes = tuple(range(block.ndim - 1))
        # fmin and fmax pass over NaN, which is counted on its own.
        block_low, block_high = np.fmin.reduce(block, axes), np.fmax.reduce(block, axes)
        low = block_low if low is None else np.fmin(low, block_low)
        high = block_high if high is None else np.fmax(high, block_high)
    constant = int(np.sum(low == high)) if array.ndim > 1 and len(array) > 1 else None
    report.arrays.append(ArraySummary(name, shape, dtype, nan, infinite, constant))


def counted(split: str, labels: np.ndarray) -> SplitSummary:
    """Summarise a split by how often each label occurs."""
    values, counts = np.unique(labels, return_counts=True)
    return SplitSummary(
        split,
        len(labels),
        {f"{value:g}": int(count) for value, count in zip(values, counts, strict=True)},
    )


def quantiles(labels: np.ndarray) -> dict[str, float]:
    """Return the quantiles of real labels and the share of them above 0."""
    shares = (0, 25, 50, 75, 100)
    found = np.percentile(labels, shares)
    summary = {f"{share}%": float(value) for share, value in zip(shares, found, strict=True)}
    return summary | {"positive": float(np.mean(labels > 0))}


def row_digests(array: np.ndarray) -> list[bytes]:
    """Return a digest of each row's values; equal rows have equal ones, whatever their dtype."""
    digests = []
    for block in blocks(array):
        # A signalling NaN makes numpy warn; it is counted elsewhere.
        with np.errstate(invalid="ignore"):
            values = np.ascontiguousarray(block, dtype=np.float64)
        digests += [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in values]
    return digests


def shared_between(rows: Mapping[str, list[Any]]) -> dict[tuple[str, str], int]:
    """Return, for each pair of splits that share some, how many entries both have."""
    names = list(rows)
    shared = {}
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            common = len(set(rows[first]) & set(rows[second]))
            if common:
                shared[first, second] = common
    return shared


def note_shared_samples(report: Report, what: str, rows: Mapping[str, list[Any]]) -> None:
    """Warn of samples that are in more than one split."""
    for (first, second), count in shared_between(rows).items():
        report.add(
            "warning",
            f"{first}, {second}",
            f"{count} samples have the same {what} in both",
            "leave them out of one split: scores on it count what was seen in training",
        )
