"""How many neighbours two representations would share if their samples were paired at random."""

from __future__ import annotations

import numpy as np

from ._arrays import Array
from ._checks import MOST_CANDIDATES, integer_between
from ._dispatch import for_devices
from ._native import _cpu
from ._neighbor_lists import paired_lists, require_among_themselves
from .neighbors import Neighbors

MOST_PERMUTATIONS = 2**20
MOST_SEED = 2**63 - 1


@for_devices
def mutual_knn_null(
    x: Array | Neighbors,
    y: Array | Neighbors,
    *,
    k: int = 10,
    permutations: int = 200,
    seed: int = 0,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """:func:`mutual_knn` under random relabellings of the samples of y: its null distribution.

    Element number r is the score of x with y whose sample i is ``relabelling(n, r, seed=seed)[i]``,
    as ``mutual_knn(x, y[order])`` gives it where no similarities tie; neighbours are searched once.
    With the score s itself, (1 + how many elements are at least s) / (permutations + 1) is a
    p-value (Groger, Wen and Brbic 2026, algorithm 1). The mean over all permutations is
    k / (n - 1). Samples must be exchangeable: where they come in groups, it is too narrow.

    Parameters
    ----------
    x, y, k, metric, zero_rows : as in :func:`mutual_knn`, except that :class:`Neighbors` must be of
        the samples among themselves, not of other queries.
    permutations : how many, at most 2^20.
    seed : of the relabellings, from 0 to 2^63 - 1; nothing but the seed, n and an element's number
        decides which relabelling is its own.

    Returns a float64 array (permutations,) of the library of ``x``. Cost: two :func:`knn`, and
    O(n k) per permutation. Memory: 4 n bytes, or 16 MiB of several permutations where n is less.

    >>> x = np.random.default_rng(0).standard_normal((300, 8))
    >>> null = mutual_knn_null(x, x + 1, permutations=99)
    >>> null.shape, bool(null.max() < 0.1 < mmkernels.mutual_knn(x, x + 1))
    ((99,), True)
    """
    permutations, seed = checked_draws(permutations, seed)
    lists, wrap = paired_lists(x, y, k=k, metric=metric, zero_rows=zero_rows, ordered=False)
    require_among_themselves("a relabelling", lists, x=x, y=y)
    n, k = lists[0].shape
    shared = np.array(_cpu.relabelled_overlaps(*lists, seed, permutations), np.float64)
    return wrap(shared / (n * k))


def relabelling(n: int, number: int = 0, *, seed: int = 0) -> np.ndarray:
    """(n,) int64 permutation of the samples: the ``number``-th of :func:`mutual_knn_null`.

    ``y[relabelling(n, r, seed=seed)]`` are the rows of y that its element r pairs with those of x.
    Each element is found by itself, by a keyed permutation (``csrc/core/relabelling.hpp``); the
    same on every device. O(n).

    >>> sorted(relabelling(5, seed=3).tolist())
    [0, 1, 2, 3, 4]
    """
    n = integer_between("n", n, 1, MOST_CANDIDATES)
    number = integer_between("number", number, 0, MOST_SEED)
    return _cpu.labels(n, integer_between("seed", seed, 0, MOST_SEED), number)


def checked_draws(permutations: int, seed: int) -> tuple[int, int]:
    return (
        integer_between("permutations", permutations, 1, MOST_PERMUTATIONS),
        integer_between("seed", seed, 0, MOST_SEED),
    )
