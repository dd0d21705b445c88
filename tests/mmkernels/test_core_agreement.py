"""A small run through every native loop; also run once under every instruction set."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .gram_checks import check_scores
from .list_checks import LISTS, check_lists
from .neighbor_checks import check_neighbors, pair_tolerance


@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize(("n", "d"), [(5, 1), (33, 17), (140, 129)])
def test_neighbors(n, d, dtype, metric):
    x = datasets.gaussian(n, d).astype(dtype)
    k = min(10, n - 1)
    found = mmkernels.knn(x, k, metric=metric)
    similarity = reference.scores(x, x, metric)
    tolerance = pair_tolerance(x, x, metric)
    check_neighbors(found.indices, found.scores, similarity, k, tolerance=tolerance)


@pytest.mark.parametrize(("kernel", "sigma"), [("linear", None), ("rbf", "median"), ("rbf", 9.0)])
@pytest.mark.parametrize(("n", "d"), [(5, 2), (33, 17), (129, 200), (200, 20)])
def test_scores(n, d, kernel, sigma):
    x, y = datasets.related(n, d, 15)
    assert check_scores(mmkernels, x, y, kernel=kernel, sigma=sigma) < 1e-5
    check_scores(mmkernels, x + np.float32(100), y, kernel=kernel, sigma=sigma)


@pytest.mark.parametrize(("n", "d", "k"), [(5, 2, 3), (33, 17, 10), (70, 33, 66)])
def test_neighbor_lists(n, d, k):
    x, y = datasets.related(n, d, 15)
    for name in LISTS:
        check_lists(name, x, y, k=k)
    options = {"k": min(k, 10)}
    for name in ("second_order_cosine", "cknna"):
        wanted = getattr(reference, name)(x, y, **options)
        assert getattr(mmkernels, name)(x, y, **options) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize(("n", "d"), [(5, 2), (33, 17), (300, 70)])
def test_batches(n, d):
    x, y = datasets.related(n, d, 15, dtype=np.float64)
    score = mmkernels.LinearCKA()
    for first in range(0, n, 40):
        score.update(x[first : first + 40], y[first : first + 40])
    assert score.compute() == pytest.approx(reference.cka(x, y), abs=1e-12)
