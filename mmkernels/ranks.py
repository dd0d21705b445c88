"""How alike the ranks are that two representations give to their common neighbours."""

from __future__ import annotations

import numpy as np

from ._arrays import Array
from ._native import _cpu
from ._neighbor_lists import paired_lists
from .neighbors import Neighbors


def rank_similarity(
    x: Array | Neighbors,
    y: Array | Neighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """Closeness of the ranks of the neighbours in common, those near to the sample weighing more.

    mean over i of the sum, over the j in both N_x(i) and N_y(i), of 2 / ((1 + |r - s|) (r + s)),
    with r and s the ranks of j (from 1) in x and in y, over the most that as many neighbours can
    reach, the sum of 1 / m for m = 1..|common|. 0 for a sample with nothing in common. Between 0
    and 1, and symmetric; few neighbours in common count as much as many if their ranks agree, so
    read it beside :func:`jaccard_knn`. For unrelated representations about as :func:`mutual_knn`,
    k / (n - 1), while k^2 is much smaller than n, and less beyond. Wang et al. 2020 (Towards
    Understanding the Instability of Network Embedding), normalised as by Klabunde et al. 2023
    (Similarity of Neural Network Models).

    Parameters as in :func:`mutual_knn`. Returns a float64 scalar of the library of ``x``. Cost: two
    :func:`knn` with scores, and O(n k log k).

    >>> x, y = np.array([[1, 0], [2, 1], [1, 1]]), np.array([[1, 0], [1, 1], [2, 1]])
    >>> round(float(rank_similarity(x, y, k=2)), 4)  # ranks 1, 2 and 2, 1 for one of the samples
    0.8148
    """
    lists, wrap = paired_lists(x, y, k=k, metric=metric, zero_rows=zero_rows, ordered=True)
    return wrap(np.float64(_cpu.rank_similarities(*lists) / len(lists[0])))
