"""The null of the best layer pair: what it would score if the samples were paired at random.

One permutation of the samples is applied to all layers of one side, and the best pair is taken
again, as it was on the data; calibrating every pair first and taking the best then would not
account for the choice (Groger, Wen and Brbic 2026, algorithms 1 and 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse

import mmkernels

from .layers import PreparedLayers, best_score, compare
from .metrics import ON_LISTS, Metric

#: By default, where that costs less than the search for the neighbours.
PERMUTATIONS = 200
# Codes of pairs of samples that are counted at a time.
_BLOCK_CODES = 1 << 24


def usual_permutations(metric: Metric) -> int:
    """How many permutations are drawn where nobody says: none where each costs a measurement."""
    return PERMUTATIONS if metric.name == "mutual_knn" else 0


def sample_orders(n: int, permutations: int, seed: int) -> np.ndarray:
    """(permutations, n) int64; they depend on ``n`` and ``seed`` alone, the first on no other."""
    generator = np.random.default_rng(seed)
    return np.array([generator.permutation(n) for _ in range(permutations)]).reshape(-1, n)


def null_best(
    metric: Metric,
    xs: Sequence[PreparedLayers],
    y: PreparedLayers,
    orders: np.ndarray,
    prepare_permuted: Callable[[np.ndarray], PreparedLayers],
) -> np.ndarray:
    """Best score of each model x with model y, whose samples are in each of the orders.

    orders: (permutations, n). prepare_permuted: prepares y with its rows in an order; it is called
    for metrics that are not computed from lists of neighbours.

    Returns (len(xs), permutations) float64. Cost: for mutual_knn O(n^2) once, and a permutation
    n k (layers of y) and as much as there are pairs of neighbours in common, of all xs together;
    for other metrics a measurement a permutation, without the search where that is of neighbours.
    Memory: 16 bytes a sample and permutation, and the lists of neighbours twice.
    """
    if metric.name == "mutual_knn":
        return _most_in_common(xs, y, orders)
    found = np.empty((len(xs), len(orders)))
    for number, order in enumerate(orders):
        permuted = relabelled(y, order) if metric.name in ON_LISTS else prepare_permuted(order)
        for i, x in enumerate(xs):
            found[i, number] = best_score(metric, compare(metric, x, permuted).matrix)
    return found


def relabelled(lists: PreparedLayers, order: np.ndarray) -> PreparedLayers:
    """Neighbours as if row i were that of sample ``order[i]``; nothing is searched again."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    layers = [
        None
        if own is None
        else mmkernels.Neighbors(
            place[own.host_indices[order]], own.host_scores[order], own.metric, own.name
        )
        for own in lists.layers
    ]
    return PreparedLayers(lists.labels, layers, lists.faults)


def _most_in_common(
    xs: Sequence[PreparedLayers], y: PreparedLayers, orders: np.ndarray
) -> np.ndarray:
    """Best mutual_knn, for all layers of all xs at once.

    A pair (sample, neighbour) is a number; which layers of the xs have it is looked up, so that
    pairs that no two layers share, which are nearly all under a permutation, cost nothing.
    """
    there = [layer.host_indices for x in xs for layer in x.there]
    own = np.array([layer.host_indices for layer in y.there])
    n, k = own.shape[1:]
    places = np.empty_like(orders)
    np.put_along_axis(places, orders, np.arange(n)[None], axis=1)
    shared = np.zeros((len(orders), len(own), len(there)), np.int64)
    step = max(1, _BLOCK_CODES // n)
    with ThreadPoolExecutor(mmkernels.get_num_threads()) as pool:
        for start in range(0, n, step):
            rows = slice(start, min(start + step, n))
            owners = _codes(np.array([lists[rows] for lists in there]), n).T.tocsr()

            def count(number: int, rows: slice = rows, owners: scipy.sparse.csr_array = owners):
                permuted = places[number][own[:, orders[number, rows]]]
                shared[number] += (_codes(permuted, n) @ owners).toarray()

            list(pool.map(count, range(len(orders))))
    ends = np.cumsum([len(x.there) for x in xs])
    blocks = np.split(shared.max(axis=1), ends[:-1], axis=1)
    return np.array([block.max(axis=1) for block in blocks]) / (n * k)


def _codes(lists: np.ndarray, n: int) -> scipy.sparse.csr_array:
    """(layers, rows * n) with a 1 at every pair of a row and a neighbour of it."""
    layers, rows, k = lists.shape
    columns = lists + np.arange(rows)[:, None] * n
    ends = np.arange(layers + 1) * (rows * k)
    ones = np.ones(columns.size, np.int32)
    return scipy.sparse.csr_array(
        (ones, columns.ravel().astype(np.int32), ends.astype(np.int32)), shape=(layers, rows * n)
    )
