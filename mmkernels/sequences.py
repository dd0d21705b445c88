"""How alike the order is in which two representations list their neighbours."""

from __future__ import annotations

import numpy as np

from ._arrays import Array
from ._dispatch import for_devices
from ._native import _cpu
from ._neighbor_lists import paired_lists
from .neighbors import Neighbors


@for_devices
def lcs_knn(
    x: Array | Neighbors,
    y: Array | Neighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """Length of the longest common subsequence of the lists of neighbours, best first, averaged.

    mean over i of LCS(N_x(i), N_y(i)): how many neighbours can be kept in both lists so that they
    are the same in the same order, others left out anywhere. From 0 to k, not divided by k, as in
    the code of Huh et al. 2024 (Platonic Representation Hypothesis); symmetric, and never more
    than k times :func:`mutual_knn`; so for unrelated representations at most k^2 / (n - 1) in the
    mean, and about that for k^2 much smaller than n.

    Parameters as in :func:`mutual_knn`. Returns a float64 scalar of the library of ``x``. Lengths
    are summed in whole numbers, so the result does not depend on the order of the samples. Cost:
    two :func:`knn` with scores, and O(n k ceil(k / 64)): 64 cells of the dynamic programme are
    one word (Hyyro 2004).

    >>> x, y = np.array([[1, 0], [2, 1], [1, 1]]), np.array([[1, 0], [1, 1], [2, 1]])
    >>> lcs_knn(x, y, k=2)  # lists of 2, in the same order for two of the three samples
    np.float64(1.6666666666666667)
    """
    lists, wrap = paired_lists(x, y, k=k, metric=metric, zero_rows=zero_rows, ordered=True)
    return wrap(np.float64(_cpu.common_subsequences(*lists).sum() / len(lists[0])))


@for_devices
def edit_distance_knn(
    x: Array | Neighbors,
    y: Array | Neighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """1 less the edit distance of the lists of neighbours over k: a similarity, despite its name.

    1 - mean over i of d(N_x(i), N_y(i)) / k, with d the Levenshtein distance: the fewest
    insertions, deletions and substitutions that turn one list, best first, into the other. From 0
    (nothing in common) to 1 (the same lists), symmetric, and never more than :func:`lcs_knn` / k.
    For unrelated representations and k much smaller than n about 1 / (n - 1), the share of places
    in the lists that hold the same neighbour by chance.
    The name is that of the code of Huh et al. 2024 (Platonic Representation Hypothesis).

    Parameters as in :func:`mutual_knn`. Returns a float64 scalar of the library of ``x``.
    Distances are summed in whole numbers, so the result does not depend on the order of the
    samples. Cost: two :func:`knn` with scores, and O(n k ceil(k / 64)): 64 cells of the dynamic
    programme are one word (Myers 1999, Hyyro 2003).

    >>> x, y = np.array([[1, 0], [2, 1], [1, 1]]), np.array([[1, 0], [1, 1], [2, 1]])
    >>> edit_distance_knn(x, y, k=2)  # two of the three samples have the same list
    np.float64(0.6666666666666666)
    """
    lists, wrap = paired_lists(x, y, k=k, metric=metric, zero_rows=zero_rows, ordered=True)
    n, k = lists[0].shape
    return wrap(np.float64((n * k - _cpu.edit_distances(*lists).sum()) / (n * k)))
