"""Comparing neighbour lists: permutations are allowed only among equal similarities.

Two programs that sum the same products in another order get similarities that differ in the last
digits of float64, and may then order equals differently. What must hold is that the neighbour at
every rank is as similar as the true one at that rank, to within that rounding, and that the lists
are proper: distinct indices in range, never the row itself, in the order of their own scores.
"""

from __future__ import annotations

import numpy as np

EPSILON = 2.0**-52


def whole_similarity(rows, metric):
    """(n, n) inner products or minus squared distances of whole numbers, without rounding."""
    whole = rows.astype(np.float64)  # exact, since all sums stay far below 2^53
    products = whole @ whole.T
    squares = np.diag(products)
    return products if metric == "ip" else 2 * products - squares[:, None] - squares


def pair_tolerance(queries, candidates, metric):
    """(m, n) bounds on how far two float64 evaluations of a similarity may differ."""
    a, b = (np.asarray(z, np.float64) for z in (queries, candidates))
    terms = a.shape[1] + 16
    if metric == "cosine":
        return np.full((len(a), len(b)), 4 * terms * EPSILON)
    if metric == "ip":
        return 2 * terms * EPSILON * np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    centre = b.mean(axis=0)
    length_a, length_b = (np.linalg.norm(z - centre, axis=1) for z in (a, b))
    reach = np.add.outer(length_a, length_b)
    distance = np.stack([np.linalg.norm(row - b, axis=1) for row in a])
    return 2 * EPSILON * distance * (terms * distance + 4 * reach)


def check_neighbors(indices, scores, similarity, k, *, tolerance=0.0, exclude_self=True):
    """Raises AssertionError unless the lists are the k best of `similarity`.

    indices, scores: (m, k). similarity: (m, n) float64, the truth. tolerance: scalar or (m, n),
    the difference of two similarities that still counts as rounding; 0 demands exact ties.
    """
    indices, scores = np.asarray(indices), np.asarray(scores)
    similarity = np.array(similarity, np.float64)
    m, n = similarity.shape
    tolerance = np.broadcast_to(np.asarray(tolerance, np.float64), similarity.shape)
    assert indices.shape == scores.shape == (m, k), (indices.shape, scores.shape, (m, k))
    assert (indices.dtype, scores.dtype) == (np.int64, np.float64), (indices.dtype, scores.dtype)
    assert ((indices >= 0) & (indices < n)).all(), "an index is out of range"
    if exclude_self:
        own = indices == np.arange(m)[:, None]
        assert not own.any(), f"row {np.argmax(own.any(axis=1))} is its own neighbour"
        np.fill_diagonal(similarity, -np.inf)
    in_order = np.sort(indices, axis=1)
    twice = (np.diff(in_order, axis=1) == 0).any(axis=1)
    assert not twice.any(), f"row {np.argmax(twice)} has a neighbour twice"

    truth = np.take_along_axis(similarity, indices, axis=1)
    allowed = np.take_along_axis(tolerance, indices, axis=1)
    wrong = ~(np.abs(scores - truth) <= allowed)  # so that NaN is wrong
    assert not wrong.any(), _describe("score", wrong, scores, truth, allowed)

    best = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    wanted = np.take_along_axis(similarity, best, axis=1)
    allowed = allowed + np.take_along_axis(tolerance, best, axis=1)
    wrong = ~(np.abs(truth - wanted) <= allowed)
    assert not wrong.any(), _describe("similarity", wrong, truth, wanted, allowed)

    worse, tied = np.diff(scores, axis=1) < 0, np.diff(scores, axis=1) == 0
    rising = np.diff(indices, axis=1) > 0
    assert (worse | (tied & rising)).all(), "not ordered by score descending, then index ascending"
    if not tolerance.any():
        assert (indices == best).all(), "equal similarities are not in the order of their indices"


def _describe(what, wrong, found, wanted, allowed):
    row, rank = np.argwhere(wrong)[0]
    return (
        f"{what} at row {row}, rank {rank}: {found[row, rank]!r}, true {wanted[row, rank]!r}, "
        f"allowed difference {allowed[row, rank]!r}; {wrong.sum()} of {wrong.size} differ"
    )
