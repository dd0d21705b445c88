"""Whether two representations place a sample alike among its neighbours."""

from __future__ import annotations

import numpy as np

from ._arrays import Array
from ._checks import METRICS, one_of
from ._features import neighbor_features
from ._native import _cpu
from ._neighbor_lists import neighbor_list, paired_arrays, without_zero_rows
from ._warn import warn


def second_order_cosine(
    x: Array,
    y: Array,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """Cosine between a sample's similarities to its neighbours in x and those in y, averaged.

    For sample i and the union U of its neighbours in x and in y, u holds the cosines of x_i with
    the x_j, and v those of y_i with the y_j, for j in U; the score is the mean over i of
    u.v / (|u| |v|). Between -1 and 1, and symmetric. Similarities are compared about 0, not about
    their mean: representations whose cosines are all high agree for that alone. Hamilton et al.
    2016 (Cultural Shift or Linguistic Drift), in the form of Klabunde et al. 2023 (Similarity of
    Neural Network Models); their code compares 1 - cosine instead, which is another number.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays, rows paired. Not :class:`Neighbors`: the features are
        looked at again, for the neighbours that the other side has.
    k, metric : as in :func:`knn`; the metric finds the neighbours, similarities are cosines.
    zero_rows : as in :func:`mutual_knn`; with any metric, as cosines are asked for.

    Returns a float64 scalar of the library of ``x``; NaN with a warning if a sample has cosines of
    exactly 0 with all of its neighbours. Cost: two :func:`knn` and at most 2 n k (d_x + d_y)
    multiply-adds in float64.

    >>> x = np.array([[1, 0], [2, 1], [1, 1]])
    >>> second_order_cosine(x, 3 * x[:, ::-1], k=2)
    np.float64(1.0)
    """
    one_of("metric", metric, METRICS)
    one_of("zero_rows", zero_rows, ("raise", "exclude"))
    sides = paired_arrays(x, y, "second_order_cosine needs the array, for similarities to others")
    if zero_rows == "exclude":
        sides = without_zero_rows(sides)
    lists = [neighbor_list(side, k, metric, ordered=False) for side in sides]
    features = [neighbor_features(side, "cosine") for side in sides]
    total, *orthogonal = _cpu.second_order_cosines(*features, *lists)
    for side, row in zip(sides, orthogonal, strict=True):
        if row >= 0:
            warn(
                f"{side.name} has a row ({row}; shape {side.shape}) orthogonal to all its "
                "neighbours: its second-order cosine is 0 / 0, NaN."
            )
    return sides[0].wrap(np.float64(total / sides[0].shape[0]))
