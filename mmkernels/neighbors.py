"""Exact nearest neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._arrays import Array, _numpy_value, as_input
from ._checks import METRICS, at_least, neighbor_count, one_of
from ._dispatch import for_devices
from ._features import neighbor_features
from ._native import _cpu


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The k nearest neighbours of every row, best first; unpacks as ``indices, scores``.

    Accepted wherever a metric on neighbours takes an array, for any k up to its own.

    >>> indices, scores = knn(np.eye(4) + 0.1, 2)
    >>> indices.shape, scores.shape
    ((4, 2), (4, 2))
    """

    host_indices: np.ndarray = field(repr=False)  # (n, k) int64
    host_scores: np.ndarray = field(repr=False)  # (n, k) float64
    metric: str
    name: str = field(default="x", repr=False)
    wrap: Any = field(default=_numpy_value, repr=False)

    @property
    def indices(self) -> Array:
        """(n, k) int64, in the caller's library: which rows, best first."""
        return self.wrap(self.host_indices)

    @property
    def scores(self) -> Array:
        """(n, k) float64, in the caller's library: similarities, descending."""
        return self.wrap(self.host_scores)

    @property
    def shape(self) -> tuple[int, int]:
        return self.host_indices.shape

    @property
    def k(self) -> int:
        return self.shape[1]

    def __iter__(self) -> Iterator[Array]:
        return iter((self.indices, self.scores))


@for_devices
def knn(x: Array, k: int, *, metric: str = "cosine", queries: Array | None = None) -> Neighbors:
    """Find the k nearest rows of every row, exactly.

    Candidates are ordered by their similarity in float64 of the values as given, higher first,
    and by lower index where similarities are equal. The similarity is the cosine, the inner
    product ("ip"), or minus the squared Euclidean distance ("l2").

    Parameters
    ----------
    x : (n, d) array of any real type; the candidates.
    k : neighbours per row, at most n - 1 (n with ``queries``).
    metric : "cosine", "ip" or "l2".
    queries : (m, d) array whose rows look for neighbours in ``x``. Without it the rows of ``x``
        do, and a row is never its own neighbour (by index: its duplicates are).

    Returns
    -------
    Neighbors with ``indices`` (m, k) int64 and ``scores`` (m, k) float64, best first.

    Cost: n^2 d / 2 multiply-adds (n m d with queries), in bfloat16 where the processor multiplies
    it, else in float32; then float32 and float64 for the few candidates per row that rounding
    cannot exclude. Where most of the spread lies along some d' directions, d' takes the place of
    d: what the others can add is bounded, so that the answer is the same (MMKERNELS_PREFIX=off in
    the environment multiplies all d). Memory: 4 n d bytes or half of it, and 8 max(4 k, 2 k + 92)
    bytes per row, or 8 (1.5 k + 16) where that is much beside d.

    Raises ValueError for NaN or infinity (the first row is named), for k out of range, for a zero
    row where a cosine is asked for, and, but for the cosine, for values beyond some 1e150, whose
    squares overflow.

    >>> knn(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), 1).indices.tolist()
    [[1], [0], [1]]
    """
    one_of("metric", metric, METRICS)
    candidates = as_input("x", x)
    if queries is None:
        at_least(candidates.shape[0], 2, "x", candidates.shape, "A nearest neighbour")
        k = neighbor_count(k, candidates.shape[0] - 1, "x", candidates.shape)
        features = neighbor_features(candidates, metric)
        indices, scores = _cpu.knn(features, None, metric, k, scored=True)
        scores = np.ldexp(scores, -2 * features.exponent) if features.exponent else scores
        return Neighbors(indices, scores, metric, candidates.name, candidates.wrap)
    rows = as_input("queries", queries)
    if rows.shape[1] != candidates.shape[1]:
        raise ValueError(
            "x and queries must have the same number of features; their shapes are "
            f"{candidates.shape} and {rows.shape}."
        )
    k = neighbor_count(k, candidates.shape[0], "x", candidates.shape)
    frame = neighbor_features(candidates, metric)
    searched = neighbor_features(rows, metric, frame)
    indices, scores = _cpu.knn(frame, searched, metric, k, scored=True)
    scores = np.ldexp(scores, -2 * frame.exponent) if frame.exponent else scores
    return Neighbors(indices, scores, metric, "queries", rows.wrap)
