"""How many neighbours two representations share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._arrays import Array, same_samples
from ._checks import METRICS, one_of
from ._native import _cpu
from ._neighbor_lists import neighbor_list, paired_lists, representation
from .neighbors import Neighbors


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
    lists, wrap = paired_lists(x, y, k=k, metric=metric, zero_rows=zero_rows, ordered=False)
    return wrap(np.float64(_overlap(lists, [0], [1])[0, 0]))


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
    sides = [representation(f"xs[{i}]", x) for i, x in enumerate(xs)]
    left = list(range(len(sides)))
    right = left
    if ys is not None:
        sides += [representation(f"ys[{i}]", y) for i, y in enumerate(ys)]
        right = list(range(len(left), len(sides)))
    if not left or not right:
        raise ValueError("xs and ys must each hold at least one representation.")
    same_samples(*sides)
    lists = [neighbor_list(side, k, metric, ordered=False) for side in sides]
    return sides[0].wrap(_overlap(lists, left, right))


def _overlap(lists: list[np.ndarray], left: list[int], right: list[int]) -> np.ndarray:
    n, k = lists[0].shape
    counts = np.array(_cpu.overlaps(lists, left, right), np.float64)
    return (counts / (n * k)).reshape(len(left), len(right))
