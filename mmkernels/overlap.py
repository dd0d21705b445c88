"""How many neighbours two representations share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ._arrays import Array, same_samples
from ._checks import METRICS, one_of
from ._dispatch import for_devices
from ._native import _cpu
from ._neighbor_lists import neighbor_list, paired_lists, representation, require_among_themselves
from .neighbors import Neighbors


@for_devices
def mutual_knn(
    x: Array | Neighbors,
    y: Array | Neighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """Share of the k nearest neighbours that a sample has in common in x and in y, on average.

    mean over i of |N_x(i) intersected with N_y(i)| / k. Between 0 and 1; k / (n - 1) in the mean
    for unrelated representations. Huh et al. 2024 (Platonic Representation Hypothesis), appendix A.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays, rows paired, or what :func:`knn` returned (its first k
        neighbours are used, and its own metric stands).
    k, metric : as in :func:`knn`.
    zero_rows : where a cosine is asked for and a row is zero: "raise", or "exclude", which drops
        the sample from both sides and warns.

    Returns a float64 scalar of the library of ``x``. Cost: two :func:`knn` and O(n k).

    >>> mutual_knn(np.eye(4)[:, :3] + 0.1, np.eye(4)[:, :3] + 0.1, k=2)
    np.float64(1.0)
    """
    lists, wrap = paired_lists(x, y, k=k, metric=metric, zero_rows=zero_rows, ordered=False)
    n, k = lists[0].shape
    shared = sum(common * count for common, count in enumerate(_cpu.overlap_histogram(*lists)))
    return wrap(np.float64(shared / (n * k)))


@for_devices
def jaccard_knn(
    x: Array | Neighbors,
    y: Array | Neighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """Neighbours that a sample has in both representations over those it has in either, averaged.

    mean over i of |N_x(i) intersected with N_y(i)| / |N_x(i) united with N_y(i)|. Between 0 and 1,
    symmetric, and never more than :func:`mutual_knn`: of two lists of k, c neighbours in common
    make c / (2 k - c). For unrelated representations about p / (2 - p) with p = k / (n - 1),
    which is p / 2 for k much smaller than n. Klabunde et al. 2023 (Similarity of Neural Network
    Models), measures of nearest neighbours.

    Parameters as in :func:`mutual_knn`. Returns a float64 scalar of the library of ``x``. Rows are
    counted in whole numbers, so the result does not depend on their order. Cost: two :func:`knn`
    and O(n k).

    >>> x, y = np.array([[3], [0], [2], [1]]), np.array([[3], [0], [1], [2]])
    >>> jaccard_knn(x, y, k=2, metric="l2")  # the two in the middle share 1 of 3, the others 2 of 2
    np.float64(0.6666666666666666)
    """
    lists, wrap = paired_lists(x, y, k=k, metric=metric, zero_rows=zero_rows, ordered=False)
    n, k = lists[0].shape
    rows = _cpu.overlap_histogram(*lists)
    total = math.fsum(count * (common / (2 * k - common)) for common, count in enumerate(rows))
    return wrap(np.float64(total / n))


@for_devices
def cycle_knn(
    x: Array | Neighbors,
    y: Array | Neighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """Share of samples found again by a step to a neighbour in y and one to a neighbour in x.

    The share of samples i for which some j in N_y(i) has i in N_x(j). Not symmetric: ``y`` is
    asked first, and its neighbours are followed in ``x``, as by ``cycle_knn(x, y)`` of the code
    of Huh et al. 2024 (Platonic Representation Hypothesis). Between 0 and 1; for unrelated
    representations about 1 - (1 - k / (n - 1))^k, and less where some samples are neighbours of
    very many in x. Of a representation with itself it is the share of samples that are a
    neighbour of one of their own neighbours, which need not be all.

    Parameters as in :func:`mutual_knn`, except that :class:`Neighbors` must be of the samples
    among themselves, not of other queries. Returns a float64 scalar of the library of ``x``.
    Cost: two :func:`knn` and at most O(n k^2).

    >>> x, y = np.array([[3], [3], [1], [2], [3]]), np.array([[2], [3], [2], [2], [1]])
    >>> [float(cycle_knn(a, b, k=2, metric="l2")) for a, b in ((x, y), (y, x))]
    [0.8, 0.6]
    """
    lists, wrap = paired_lists(x, y, k=k, metric=metric, zero_rows=zero_rows, ordered=False)
    require_among_themselves("a cycle", lists, x=x, y=y)
    return wrap(np.float64(_cpu.cycle_count(*lists) / len(lists[0])))


@for_devices
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
