"""What the lists of neighbours of two representations have in common, list by list."""

from __future__ import annotations

import numpy as np

from .neighbors import knn, scores


def _lists(x, y, k, metric):
    return [knn(z, k, metric=metric).indices.tolist() for z in (x, y)]


def _mean(score, lists):
    return float(np.mean([score(a, b) for a, b in zip(*lists, strict=True)]))


def jaccard_knn(x, y, *, k=10, metric="cosine"):
    """Mean of the neighbours in common over the neighbours in either."""
    return _mean(lambda a, b: len({*a} & {*b}) / len({*a} | {*b}), _lists(x, y, k, metric))


def cycle_knn(x, y, *, k=10, metric="cosine"):
    """Share of samples that are among the neighbours in x of their neighbours in y."""
    in_x, in_y = _lists(x, y, k, metric)
    return float(np.mean([any(i in in_x[j] for j in row) for i, row in enumerate(in_y)]))


def lcs_knn(x, y, *, k=10, metric="cosine"):
    """Mean length of the longest common subsequence of the two lists."""
    return _mean(_longest_common_subsequence, _lists(x, y, k, metric))


def edit_distance_knn(x, y, *, k=10, metric="cosine"):
    """1 - the mean Levenshtein distance of the two lists over k."""
    return 1 - _mean(_levenshtein, _lists(x, y, k, metric)) / k


def _longest_common_subsequence(a, b):
    length = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, p in enumerate(a):
        for j, q in enumerate(b):
            length[i + 1, j + 1] = (
                length[i, j] + 1 if p == q else max(length[i, j + 1], length[i + 1, j])
            )
    return length[-1, -1]


def _levenshtein(a, b):
    cost = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i, p in enumerate(a):
        for j, q in enumerate(b):
            cost[i + 1, j + 1] = min(cost[i, j] + (p != q), cost[i, j + 1] + 1, cost[i + 1, j] + 1)
    return cost[-1, -1]


def rank_similarity(x, y, *, k=10, metric="cosine"):
    """Mean closeness of the ranks of the neighbours in common, near ones weighing more."""
    return _mean(_rank_similarity, _lists(x, y, k, metric))


def _rank_similarity(a, b):
    ranks = [(a.index(j) + 1, b.index(j) + 1) for j in {*a} & {*b}]
    most = sum(1 / i for i in range(1, len(ranks) + 1))
    return sum(2 / ((1 + abs(r - s)) * (r + s)) for r, s in ranks) / most if ranks else 0.0


def second_order_cosine(x, y, *, k=10, metric="cosine"):
    """Mean cosine of the similarities in x and in y to the neighbours in either."""
    in_x, in_y = _lists(x, y, k, metric)
    to_x, to_y = scores(x, x), scores(y, y)
    found = []
    for i in range(len(in_x)):
        either = sorted({*in_x[i], *in_y[i]})
        u, v = to_x[i, either], to_y[i, either]
        found.append(u @ v / np.sqrt((u @ u) * (v @ v)))
    return float(np.mean(found))
