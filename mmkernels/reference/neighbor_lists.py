"""What the lists of neighbours of two representations have in common, list by list."""

from __future__ import annotations

import numpy as np

from .neighbors import knn, scores


def jaccard_knn(x, y, *, k=10, metric="cosine"):
    """Mean of the neighbours in common over the neighbours in either."""
    return _of_arrays("jaccard_knn", x, y, k, metric)


def cycle_knn(x, y, *, k=10, metric="cosine"):
    """Share of samples that are among the neighbours in x of their neighbours in y."""
    return _of_arrays("cycle_knn", x, y, k, metric)


def lcs_knn(x, y, *, k=10, metric="cosine"):
    """Mean length of the longest common subsequence of the two lists."""
    return _of_arrays("lcs_knn", x, y, k, metric)


def edit_distance_knn(x, y, *, k=10, metric="cosine"):
    """1 - the mean Levenshtein distance of the two lists over k."""
    return _of_arrays("edit_distance_knn", x, y, k, metric)


def rank_similarity(x, y, *, k=10, metric="cosine"):
    """Mean closeness of the ranks of the neighbours in common, near ones weighing more."""
    return _of_arrays("rank_similarity", x, y, k, metric)


def second_order_cosine(x, y, *, k=10, metric="cosine"):
    """Mean cosine of the similarities in x and in y to the neighbours in either."""
    lists = [knn(z, k, metric=metric).indices for z in (x, y)]
    return second_order_cosine_of_lists(x, y, *lists)


def of_lists(name, in_x, in_y):
    """The metric called ``name`` of two (n, k) arrays of neighbours, best first."""
    lists = [np.asarray(z).tolist() for z in (in_x, in_y)]
    if name == "cycle_knn":
        of_x, of_y = lists
        return float(np.mean([any(i in of_x[j] for j in row) for i, row in enumerate(of_y)]))
    return float(np.mean([_OF_A_PAIR[name](a, b) for a, b in zip(*lists, strict=True)]))


def second_order_cosine_of_lists(x, y, in_x, in_y):
    """:func:`second_order_cosine` of two (n, k) arrays of neighbours."""
    to_x, to_y = scores(x, x), scores(y, y)
    found = []
    for i in range(len(in_x)):
        either = np.union1d(in_x[i], in_y[i])
        u, v = to_x[i, either], to_y[i, either]
        found.append(u @ v / np.sqrt((u @ u) * (v @ v)))
    return float(np.mean(found))


def _of_arrays(name, x, y, k, metric):
    return of_lists(name, *(knn(z, k, metric=metric).indices for z in (x, y)))


def _shared(a, b):
    return len({*a} & {*b}) / len(a)


def _jaccard(a, b):
    return len({*a} & {*b}) / len({*a} | {*b})


def _longest_common_subsequence(a, b):
    length = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, p in enumerate(a):
        for j, q in enumerate(b):
            longer = max(length[i, j + 1], length[i + 1, j])
            length[i + 1, j + 1] = length[i, j] + 1 if p == q else longer
    return length[-1, -1]


def _edit_similarity(a, b):
    cost = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i, p in enumerate(a):
        for j, q in enumerate(b):
            changed = cost[i, j] + (p != q)
            cost[i + 1, j + 1] = min(changed, cost[i, j + 1] + 1, cost[i + 1, j] + 1)
    return 1 - cost[-1, -1] / len(a)


def _rank_similarity(a, b):
    ranks = [(a.index(j) + 1, b.index(j) + 1) for j in {*a} & {*b}]
    most = sum(1 / i for i in range(1, len(ranks) + 1))
    return sum(2 / ((1 + abs(r - s)) * (r + s)) for r, s in ranks) / most if ranks else 0.0


_OF_A_PAIR = {
    "mutual_knn": _shared,
    "jaccard_knn": _jaccard,
    "lcs_knn": _longest_common_subsequence,
    "edit_distance_knn": _edit_similarity,
    "rank_similarity": _rank_similarity,
}
