"""Values whose squares, or reciprocals, float64 cannot hold."""

import numpy as np
import pytest

import mmkernels

from . import datasets
from .test_errors import refuse

TINY = [1e-140, 1e-162, 1e-200, 1e-300, 1e-310]


def coarse(seed, n=60, d=6):
    """Integers below 2^10 and no ties to speak of: 1e-310 times them keeps their order."""
    return datasets.generator(seed).integers(-1000, 1000, size=(n, d)).astype(np.float64)


@pytest.mark.parametrize("scale", TINY)
@pytest.mark.parametrize("metric", ["ip", "l2", "cosine"])
def test_neighbours_do_not_depend_on_the_scale(metric, scale):
    scale = float(2.0 ** np.round(np.log2(scale)))  # rounds no value
    x, y = coarse(0), coarse(1)
    wanted = mmkernels.knn(x, 7, metric=metric)
    found = mmkernels.knn(x * scale, 7, metric=metric)
    assert np.array_equal(found.indices, wanted.indices)
    if metric == "cosine":
        assert found.scores == pytest.approx(wanted.scores, rel=1e-15)
    else:
        assert np.array_equal(found.scores, wanted.scores * scale * scale)
    wanted = mmkernels.knn(x, 7, metric=metric, queries=y)
    found = mmkernels.knn(x * scale, 7, metric=metric, queries=y * scale)
    assert np.array_equal(found.indices, wanted.indices)
    if metric != "cosine":
        assert mmkernels.mutual_knn(x * scale, y, k=7, metric=metric) == mmkernels.mutual_knn(
            x, y, k=7, metric=metric
        )


def test_queries_too_large_for_tiny_candidates_are_refused():
    x, y = coarse(0), coarse(1).astype(np.float32)
    refuse(ValueError, ["queries", "rescale"], mmkernels.knn, x * 1e-300, 5, metric="ip", queries=y)


@pytest.mark.parametrize("scale", TINY)
def test_scores_do_not_depend_on_the_scale(scale):
    scale = float(2.0 ** np.round(np.log2(scale)))
    x = coarse(0)
    y = x + coarse(1)
    for kernel in ("linear", "rbf", "laplacian", "distance", "cosine"):
        for estimator in ("song", "gretton"):
            options = {"kernel": kernel, "estimator": estimator}
            found = mmkernels.cka(x * scale, y, **options)
            assert found == pytest.approx(mmkernels.cka(x, y, **options), abs=1e-6)
    wide, other = np.tile(x, 20) * scale, np.tile(y, 20)
    assert mmkernels.cka(wide, other) == pytest.approx(mmkernels.cka(x, y), abs=1e-6)
    assert mmkernels.cmd(x * scale, y) == pytest.approx(mmkernels.cmd(x, y), abs=1e-6)
    assert mmkernels.cknna(x * scale, y, k=7) == pytest.approx(mmkernels.cknna(x, y, k=7), rel=1e-9)
    k = x @ x.T
    found = mmkernels.cka(k * scale, k**3, kernel="precomputed")
    assert found == pytest.approx(mmkernels.cka(k, k**3, kernel="precomputed"), abs=1e-6)
    streamed = mmkernels.LinearCKA()
    for rows in (slice(0, 20), slice(20, 21), slice(21, 60)):
        streamed.update(x[rows] * scale, y[rows])
    assert streamed.compute() == pytest.approx(mmkernels.cka(x, y), abs=1e-6)
