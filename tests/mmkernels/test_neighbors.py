"""knn against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .neighbor_checks import check_neighbors, pair_tolerance, whole_similarity

METRICS = ["cosine", "ip", "l2"]


def check(x, k, metric, queries=None, scale=1.0):
    """`scale`: a power of two that brings x into the range where float64 products are exact."""
    found = mmkernels.knn(x, k, metric=metric, queries=queries)
    assert isinstance(found, mmkernels.Neighbors)
    assert (found.k, found.metric) == (k, metric)
    candidates = np.asarray(x, np.float64) * scale
    rows = candidates if queries is None else np.asarray(queries, np.float64) * scale
    check_neighbors(
        found.indices,
        found.scores * (1.0 if metric == "cosine" else scale**2),
        reference.scores(rows, candidates, metric),
        k,
        tolerance=pair_tolerance(rows, candidates, metric),
        exclude_self=queries is None,
    )
    return found


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "d"), datasets.SHAPES)
def test_sizes(n, d, metric):
    x = datasets.gaussian(n, d)
    for k in sorted({1, min(10, n - 1), n - 1}):
        check(x, k, metric)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", datasets.AWKWARD)
@pytest.mark.parametrize(("n", "d", "k"), [(129, 17, 10), (700, 33, 10), (700, 33, 200)])
def test_awkward_data(name, n, d, k, metric):
    scale = {"denormal": 2.0**140, "huge": 2.0**-100}.get(name, 1.0)
    check(datasets.AWKWARD[name](n, d), k, metric, scale=scale)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", datasets.AWKWARD)
@pytest.mark.parametrize(("n", "d", "k"), [(2100, 255, 30)])
def test_larger_awkward_data(name, n, d, k, metric):
    """Many strips and rounds; 40 rows are compared with the truth."""
    x = datasets.AWKWARD[name](n, d)
    scale = {"denormal": 2.0**140, "huge": 2.0**-100}.get(name, 1.0)
    found = mmkernels.knn(x, k, metric=metric)
    some = datasets.generator(7).choice(n, 40, replace=False)
    candidates = x.astype(np.float64) * scale
    similarity = reference.scores(candidates[some], candidates, metric)
    similarity[np.arange(40), some] = -np.inf
    check_neighbors(
        found.indices[some],
        found.scores[some] * (1.0 if metric == "cosine" else scale**2),
        similarity,
        k,
        tolerance=pair_tolerance(candidates[some], candidates, metric),
        exclude_self=False,
    )


@pytest.mark.parametrize("metric", METRICS)
def test_shuffled_order_of_arrival_finds_the_same_neighbors(metric):
    x = datasets.growing(500, 12)
    order = datasets.generator(3).permutation(500)
    found, shuffled = mmkernels.knn(x, 9, metric=metric), mmkernels.knn(x[order], 9, metric=metric)
    assert np.array_equal(found.indices[order], order[shuffled.indices])
    assert np.array_equal(found.scores[order], shuffled.scores)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
def test_a_large_common_offset_costs_no_digits(metric, offset):
    x = datasets.generator(4).standard_normal((300, 20)) + offset
    check(x, 10, metric)


@pytest.mark.parametrize("metric", ["ip", "l2"])
@pytest.mark.parametrize(
    ("n", "d", "k"), [(40, 1, 5), (200, 3, 20), (600, 2, 599), (129, 40, 10), (1500, 120, 30)]
)
def test_exact_ties_go_to_the_lower_index(n, d, k, metric):
    x = datasets.integers(n, d)
    found = mmkernels.knn(x, k, metric=metric)
    check_neighbors(found.indices, found.scores, whole_similarity(x, metric), k)


@pytest.mark.parametrize("d", [4, 16, 64])
def test_exact_cosine_ties_go_to_the_lower_index(d):
    x = datasets.signs(300, d=d)
    found = mmkernels.knn(x, 25)
    check_neighbors(found.indices, found.scores, x.astype(np.float64) @ x.T / d, 25)


@pytest.mark.parametrize("metric", METRICS)
def test_equal_rows_have_the_first_others_as_neighbors(metric):
    found = mmkernels.knn(datasets.all_equal(200, 37), 3, metric=metric)
    wanted = np.tile([0, 1, 2], (200, 1))
    wanted[:3] = [[1, 2, 3], [0, 2, 3], [0, 1, 3]]
    assert np.array_equal(found.indices, wanted)
    assert (found.scores == found.scores[0, 0]).all()


@pytest.mark.parametrize("metric", METRICS)
def test_a_row_is_never_its_own_neighbor_among_duplicates(metric):
    x = datasets.duplicated(400, 24, copies=5)
    found = check(x, 4, metric)
    assert (x[found.indices] == x[:, None]).all()  # the four others of the same value, all of them


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", ["gaussian", "far_from_origin", "duplicated", "hubs", "growing"])
@pytest.mark.parametrize(("m", "n", "d"), [(1, 50, 17), (70, 33, 5), (33, 700, 64)])
def test_queries(m, n, d, name, metric):
    factory = datasets.AWKWARD[name]
    for k in (1, 20, n - 1):
        check(factory(n, d), k, metric, queries=factory(m, d, seed=5))


@pytest.mark.parametrize("metric", METRICS)
def test_queries_that_are_rows_find_themselves(metric):
    x = datasets.gaussian(80, 9) / 4
    if metric == "ip":
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    found = check(x, 3, metric, queries=x[10:20])
    assert np.array_equal(found.indices[:, 0], np.arange(10, 20))


def test_queries_of_another_type_than_the_candidates():
    x = datasets.gaussian(90, 12).astype(np.float64)
    check(x, 5, "l2", queries=datasets.gaussian(7, 12, seed=1).astype(np.float16))


@pytest.mark.parametrize("metric", METRICS)
def test_zero_rows_are_ordinary_except_for_the_cosine(metric):
    x = datasets.integers(60, 4)
    x[[3, 30]] = 0
    if metric == "cosine":
        with pytest.raises(ValueError, match="row 3"):
            mmkernels.knn(x, 5)
    else:
        found = mmkernels.knn(x, 5, metric=metric)
        check_neighbors(found.indices, found.scores, whole_similarity(x, metric), 5)


def test_neighbors_are_frozen():
    found = mmkernels.knn(datasets.gaussian(10, 3), 2)
    with pytest.raises(AttributeError):
        found.k = 3
