"""Neighbours on the device: those of the CPU, whatever the array."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

METRICS = ["cosine", "ip", "l2"]


def normal(rows, columns, seed=0, offset=0.0):
    return np.random.default_rng(seed).normal(offset, 1, (rows, columns))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("rows", "columns", "k"), [(2, 1, 1), (129, 33, 10), (200, 5, 130)])
def test_neighbors_are_those_of_float64(device, metric, rows, columns, k):
    x = normal(rows, columns).astype(np.float32)
    found = mmkernels.knn(device.array(x), k, metric=metric)
    wanted = reference.knn(x, k, metric=metric)
    assert found.shape == (rows, k)
    assert found.k == k
    indices, scores = found
    np.testing.assert_array_equal(device.host(indices), wanted.indices)
    np.testing.assert_allclose(device.host(scores), wanted.scores, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("type_name", ["float16", "bfloat16", "float64", "int32", "uint8"])
def test_types(device, type_name):
    x = np.round(normal(70, 6) * 4)
    x[x == 0] = 1
    if type_name == "uint8":
        x = np.abs(x)
    found = mmkernels.knn(device.array(x.astype(np.float32), type_name), 5, metric="l2")
    same = mmkernels.knn(x, 5, metric="l2")
    np.testing.assert_array_equal(device.host(found.indices), same.indices)


def test_queries(device):
    x, queries = normal(150, 8), normal(9, 8, 1)
    found = mmkernels.knn(device.array(x), 7, queries=device.array(queries))
    same = mmkernels.knn(x, 7, queries=queries)
    np.testing.assert_array_equal(device.host(found.indices), same.indices)


def test_many_equal_rows_tie_by_index(device):
    x = np.repeat(normal(3, 4), 70, axis=0)
    found = mmkernels.knn(device.array(x), 4)
    np.testing.assert_array_equal(device.host(found.indices), mmkernels.knn(x, 4).indices)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_unusable_rows_are_said_in_the_result(device, bad):
    x = normal(40, 3)
    x[17, 1] = bad
    found = mmkernels.knn(device.array(x), 3)
    assert (device.host(found.indices) == -1).all()
    assert np.isnan(device.host(found.scores)).all()


def test_errors_name_the_argument(device):
    x = device.array(normal(20, 3))
    with pytest.raises(ValueError, match="k must be between 1 and 19"):
        mmkernels.knn(x, 20)
    with pytest.raises(ValueError, match="same number of features"):
        mmkernels.knn(x, 3, queries=device.array(normal(5, 4)))
    with pytest.raises(ValueError, match="metric must be one of"):
        mmkernels.knn(x, 3, metric="l1")
    with pytest.raises(ValueError, match="k must be at most 512"):
        mmkernels.knn(device.array(normal(600, 1)), 513)
