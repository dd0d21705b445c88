"""The comparison of neighbour lists accepts ties in any order and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from .neighbor_checks import check_neighbors

# Row 0 likes 1 most, then 2 and 3 equally, then 4.
SIMILARITY = np.array(
    [
        [9.0, 0.8, 0.5, 0.5, 0.1],
        [0.8, 9.0, 0.3, 0.2, 0.1],
        [0.5, 0.3, 9.0, 0.7, 0.6],
        [0.5, 0.2, 0.7, 9.0, 0.4],
        [0.1, 0.05, 0.6, 0.4, 9.0],
    ]
)
BEST = np.array([[1, 2, 3], [0, 2, 3], [3, 4, 0], [2, 0, 4], [2, 3, 0]])


def check(indices, scores=None, tolerance=0.0, k=3):
    indices = np.asarray(indices, np.int64)
    if scores is None:
        scores = np.take_along_axis(SIMILARITY, indices, axis=1)
    check_neighbors(indices, scores, SIMILARITY, k, tolerance=tolerance)


def changed(row, values):
    indices = BEST.copy()
    indices[row] = values
    return indices


def test_the_right_lists_pass():
    check(BEST)
    check(BEST, tolerance=1e-12)


def test_a_cut_through_a_tie_may_take_either():
    wanted = [[1, 2], [0, 2], [3, 4], [2, 0], [2, 3]]
    check(wanted, k=2)
    other = [[1, 3], *wanted[1:]]
    check(other, k=2, tolerance=1e-12)
    with pytest.raises(AssertionError, match="order of their indices"):
        check(other, k=2)


def test_a_tie_within_the_tolerance_may_be_ordered_by_its_own_scores():
    scores = np.take_along_axis(SIMILARITY, BEST, axis=1)
    scores[0] = [0.8, 0.5 + 1e-13, 0.5]
    check(changed(0, [1, 3, 2]), scores, tolerance=1e-12)
    with pytest.raises(AssertionError, match="score at row 0"):
        check(changed(0, [1, 3, 2]), scores, tolerance=1e-14)


@pytest.mark.parametrize(
    ("row", "values", "message"),
    [
        (0, [1, 2, 4], "similarity at row 0, rank 2"),  # a wrong member
        (1, [2, 0, 3], "similarity at row 1, rank 0"),  # the right members in the wrong order
        (2, [3, 3, 4], "row 2 has a neighbour twice"),
        (3, [2, 3, 0], "row 3 is its own neighbour"),
        (4, [2, 3, 5], "out of range"),
        (4, [2, 3, -1], "out of range"),
    ],
)
@pytest.mark.parametrize("tolerance", [0.0, 1e-12])
def test_wrong_lists_are_rejected(row, values, message, tolerance):
    indices = changed(row, values)
    scores = np.take_along_axis(SIMILARITY, np.clip(indices, 0, 4), axis=1)
    with pytest.raises(AssertionError, match=message):
        check(indices, scores, tolerance)


def test_equal_scores_must_be_in_index_order():
    with pytest.raises(AssertionError, match="score descending, then index ascending"):
        check(changed(0, [1, 3, 2]), tolerance=1e-12)


def test_wrong_scores_shapes_and_types_are_rejected():
    scores = np.take_along_axis(SIMILARITY, BEST, axis=1)
    with pytest.raises(AssertionError, match="score at row 0, rank 0"):
        check(BEST, scores + 1e-9, tolerance=1e-12)
    with pytest.raises(AssertionError):
        check(BEST[:, :2], scores[:, :2])
    with pytest.raises(AssertionError):
        check(BEST, scores.astype(np.float32), tolerance=1e-6)
    with pytest.raises(AssertionError):
        check_neighbors(BEST.astype(np.int32), scores, SIMILARITY, 3)


def test_queries_may_find_the_row_of_their_own_number():
    similarity = np.array([[0.9, 0.1, 0.3], [0.2, 0.9, 0.1]])
    indices = np.array([[0, 2], [1, 0]])
    scores = np.take_along_axis(similarity, indices, axis=1)
    check_neighbors(indices, scores, similarity, 2, exclude_self=False)
