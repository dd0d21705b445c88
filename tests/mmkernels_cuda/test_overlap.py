"""Metrics on lists of neighbours on the device: to the last bit what they are on the CPU."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

PAIRS = ["mutual_knn", "jaccard_knn", "cycle_knn", "lcs_knn", "edit_distance_knn"]


def related(n, d_x, d_y, seed=0):
    """Rows of which both sides hold something in common."""
    generator = np.random.default_rng(seed)
    shared = generator.normal(size=(n, 3))
    return [
        shared @ generator.normal(size=(3, d)) + generator.normal(size=(n, d)) for d in (d_x, d_y)
    ]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(("n", "k", "metric"), [(2, 1, "l2"), (60, 10, "cosine"), (150, 70, "ip")])
def test_of_arrays(device, name, n, k, metric):
    x, y = related(n, 5, 4)
    found = getattr(mmkernels, name)(device.array(x), device.array(y), k=k, metric=metric)
    wanted = getattr(mmkernels, name)(x, y, k=k, metric=metric)
    assert device.host(found).shape == ()
    assert device.host(found) == wanted
    named = getattr(reference, name)(x, y, k=k, metric=metric)
    np.testing.assert_allclose(device.host(found), named, rtol=1e-14)


@pytest.mark.parametrize("name", PAIRS)
def test_of_neighbors_found_before(device, name):
    x, y = related(80, 6, 3, seed=1)
    found = mmkernels.knn(device.array(x), 20)
    score = getattr(mmkernels, name)(found, device.array(y), k=7)
    assert device.host(score) == getattr(mmkernels, name)(x, y, k=7)
    with pytest.raises(ValueError, match="searched with k=20"):
        getattr(mmkernels, name)(found, device.array(y), k=21)


@pytest.mark.parametrize("name", PAIRS)
def test_unusable_rows_make_nan(device, name):
    x, y = related(40, 4, 4)
    y[3, 2] = np.nan
    for pair in ((x, y), (y, x)):
        score = getattr(mmkernels, name)(*map(device.array, pair), k=3, metric="l2")
        assert np.isnan(device.host(score))


def test_cycle_beyond_the_rows_is_nan(device):
    x, y = related(60, 4, 4)
    found = mmkernels.knn(device.array(x), 5, queries=device.array(x[:20]))
    score = mmkernels.cycle_knn(found, device.array(y[:20]), k=5)
    assert np.isnan(device.host(score))


def test_matrix(device):
    sides = [*related(70, 5, 4), *related(70, 3, 6, seed=2), related(70, 2, 2, seed=3)[0]]
    on_device = [device.array(side) for side in sides]
    found = mmkernels.mutual_knn_matrix(on_device, k=6)
    np.testing.assert_array_equal(device.host(found), mmkernels.mutual_knn_matrix(sides, k=6))
    found = mmkernels.mutual_knn_matrix(
        [mmkernels.knn(on_device[0], 9), on_device[1]], on_device[1:], k=6
    )
    wanted = mmkernels.mutual_knn_matrix(sides[:2], sides[1:], k=6)
    np.testing.assert_array_equal(device.host(found), wanted)
    with pytest.raises(ValueError, match="at least one representation"):
        mmkernels.mutual_knn_matrix(on_device, [], k=6)


def test_errors_name_the_argument(device):
    x, y = map(device.array, related(20, 3, 3))
    with pytest.raises(ValueError, match="k must be between 1 and 19"):
        mmkernels.mutual_knn(x, y, k=20)
    with pytest.raises(ValueError, match="same number of samples"):
        mmkernels.lcs_knn(x, device.array(related(21, 3, 3)[0]), k=3)
    with pytest.raises(ValueError, match="metric must be one of"):
        mmkernels.cycle_knn(x, y, k=3, metric="l1")
    with pytest.raises(ValueError, match="would wait for the device"):
        mmkernels.mutual_knn(x, y, k=3, zero_rows="exclude")
    with pytest.raises(ValueError, match="in host memory"):
        mmkernels.mutual_knn(x, related(20, 3, 3)[0], k=3)
