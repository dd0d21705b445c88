"""Exact nearest neighbours and how many of them two representations share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._arrays import Array, Input, _numpy_value, as_input, same_samples
from ._checks import METRICS, at_least, neighbor_count, one_of
from ._native import _cpu


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The k nearest neighbours of every row, best first; unpacks as ``indices, scores``.

    Accepted wherever a metric on neighbours takes an array, for any k up to its own.
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

    Raises ValueError for NaN or infinity (the first row is named), for k out of range, and for a
    zero row where a cosine is asked for.

    >>> knn(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), 1).indices.tolist()
    [[1], [0], [1]]
    """
    one_of("metric", metric, METRICS)
    candidates = as_input("x", x)
    if queries is None:
        at_least(candidates.shape[0], 2, "x", candidates.shape, "A nearest neighbour")
        k = neighbor_count(k, candidates.shape[0] - 1, "x", candidates.shape)
        indices, scores = _cpu.knn(_features(candidates, metric), None, metric, k, scored=True)
        return Neighbors(indices, scores, metric, "x", candidates.wrap)
    rows = as_input("queries", queries)
    if rows.shape[1] != candidates.shape[1]:
        raise ValueError(
            "x and queries must have the same number of features; their shapes are "
            f"{candidates.shape} and {rows.shape}."
        )
    k = neighbor_count(k, candidates.shape[0], "x", candidates.shape)
    frame = _features(candidates, metric)
    searched = _features(rows, metric, frame)
    indices, scores = _cpu.knn(frame, searched, metric, k, scored=True)
    return Neighbors(indices, scores, metric, "queries", rows.wrap)


def mutual_knn(
    x: Array | Neighbors,
    y: Array | Neighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """Share of the k nearest neighbours that a sample has in common in x and in y, on average.

    mean over i of |N_x(i) intersected with N_y(i)| / k. Between 0 and 1; k / (n - 1) for
    unrelated representations. Huh et al. 2024 (Platonic Representation Hypothesis), appendix A.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays, rows paired, or what :func:`knn` returned (its first k
        neighbours are used, and its own metric stands).
    k, metric : as in :func:`knn`.
    zero_rows : where a cosine is asked for and a row is zero: "raise", or "exclude", which drops
        the sample from both sides and warns.

    Returns a float64 scalar of the library of ``x``. Cost: two :func:`knn` and O(n k log k).

    >>> mutual_knn(np.eye(4)[:, :3] + 0.1, np.eye(4)[:, :3] + 0.1, k=2)
    np.float64(1.0)
    """
    one_of("metric", metric, METRICS)
    one_of("zero_rows", zero_rows, ("raise", "exclude"))
    sides = [_rows("x", x), _rows("y", y)]
    same_samples(*sides)
    if zero_rows == "exclude":
        sides = _without_zero_rows(sides, metric)
    lists = [_neighbors(side, k, metric) for side in sides]
    return sides[0].wrap(np.float64(_overlap(lists, [0], [1])[0, 0]))


def mutual_knn_matrix(
    xs: Sequence[Array | Neighbors],
    ys: Sequence[Array | Neighbors] | None = None,
    *,
    k: int = 10,
    metric: str = "cosine",
) -> Array:
    """:func:`mutual_knn` of every x with every y; neighbours are searched once per representation.

    Parameters
    ----------
    xs, ys : sequences of (n, d) arrays (any widths) or :class:`Neighbors`; ``ys`` defaults to
        ``xs``.

    Returns a (len(xs), len(ys)) float64 array of the library of ``xs[0]``. Cost: len(xs) + len(ys)
    searches, and O(n k) per pair.

    >>> mutual_knn_matrix([np.eye(4) + 0.1, np.eye(4) + 0.1], k=1).shape
    (2, 2)
    """
    one_of("metric", metric, METRICS)
    sides = [_rows(f"xs[{i}]", x) for i, x in enumerate(xs)]
    left = list(range(len(sides)))
    right = left
    if ys is not None:
        sides += [_rows(f"ys[{i}]", y) for i, y in enumerate(ys)]
        right = list(range(len(left), len(sides)))
    if not left or not right:
        raise ValueError("xs and ys must each hold at least one representation.")
    same_samples(*sides)
    lists = [_neighbors(side, k, metric) for side in sides]
    return sides[0].wrap(_overlap(lists, left, right))


def _rows(name: str, x: Array | Neighbors) -> Input | Neighbors:
    return x if isinstance(x, Neighbors) else as_input(name, x)


def _neighbors(side: Input | Neighbors, k: int, metric: str) -> np.ndarray:
    """(n, k) indices of the k nearest of each row, C-contiguous, in any order."""
    n = side.shape[0]
    at_least(n, 2, side.name, side.shape, "A nearest neighbour")
    if not isinstance(side, Neighbors):
        k = neighbor_count(k, n - 1, side.name, side.shape)
        return _cpu.knn(_features(side, metric), None, metric, k, scored=False)[0]
    k = neighbor_count(k, n - 1, side.name, side.shape)
    if k > side.k:
        raise ValueError(f"k is {k}, but the neighbours given were searched with k={side.k}.")
    return np.ascontiguousarray(side.host_indices[:, :k])


def _features(rows: Input, metric: str, frame: Any = None) -> Any:
    unit = metric == "cosine"
    features = _cpu.Features(rows.values, rows.type, unit, True, frame)
    require_usable(features, rows)
    if unit and features.zero_rows:
        raise ValueError(
            f"{rows.name} has a zero row (row {features.zero_rows[0]}; shape {rows.shape}), whose "
            'cosine is not defined; remove it, or pass zero_rows="exclude" to mutual_knn.'
        )
    return features


def require_usable(features: Any, rows: Input) -> None:
    """Raise ValueError for values that no metric is defined on."""
    if features.first_nonfinite >= 0:
        raise ValueError(
            f"{rows.name} has NaN or infinity in row {features.first_nonfinite} (shape "
            f"{rows.shape}); all values must be finite."
        )
    if features.overflows:
        raise ValueError(
            f"{rows.name} holds values so large that squared norms overflow (shape {rows.shape}); "
            "rescale it."
        )


def _without_zero_rows(sides: list[Any], metric: str) -> list[Any]:
    if metric != "cosine":
        return sides
    for side in sides:
        if isinstance(side, Neighbors):
            raise ValueError(
                f'zero_rows="exclude" needs arrays; {side.name} is an already searched Neighbors.'
            )
    features = [_cpu.Features(side.values, side.type, True, True) for side in sides]
    for side, measured in zip(sides, features, strict=True):
        require_usable(measured, side)
    zero = sorted({row for measured in features for row in measured.zero_rows})
    if not zero:
        return sides
    warnings.warn(
        f"mutual_knn leaves out {len(zero)} of {sides[0].shape[0]} samples that have a zero row "
        f"in x or y (the first is row {zero[0]}).",
        RuntimeWarning,
        stacklevel=3,
    )
    return [
        Input(side.name, np.delete(side.values, zero, axis=0), side.type, side.wrap)
        for side in sides
    ]


def _overlap(lists: list[np.ndarray], left: list[int], right: list[int]) -> np.ndarray:
    n, k = lists[0].shape
    counts = np.array(_cpu.overlaps(lists, left, right), np.float64)
    return (counts / (n * k)).reshape(len(left), len(right))
