"""The null of mutual_knn on the device: to the last bit what it is on the CPU."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels

from .test_overlap import related


@pytest.mark.parametrize(
    ("n", "k", "metric"), [(2, 1, "l2"), (33, 32, "cosine"), (60, 10, "cosine"), (150, 70, "ip")]
)
def test_of_arrays(device, n, k, metric):
    x, y = related(n, 5, 4)
    options = {"k": k, "metric": metric, "permutations": 35, "seed": 2**63 - 1}
    found = device.host(mmkernels.mutual_knn_null(device.array(x), device.array(y), **options))
    assert (found.shape, found.dtype) == ((35,), np.float64)
    assert (found == mmkernels.mutual_knn_null(x, y, **options)).all()


def test_of_neighbors_found_before(device):
    x, y = related(80, 6, 3, seed=1)
    found = mmkernels.knn(device.array(x), 20)
    null = mmkernels.mutual_knn_null(found, device.array(y), k=7, permutations=9)
    assert (device.host(null) == mmkernels.mutual_knn_null(x, y, k=7, permutations=9)).all()
    with pytest.raises(ValueError, match="searched with k=20"):
        mmkernels.mutual_knn_null(found, device.array(y), k=21)


def test_elements_are_scores_of_relabelled_rows(device):
    x, y = related(90, 6, 5, seed=2)
    null = device.host(mmkernels.mutual_knn_null(device.array(x), device.array(y), permutations=3))
    for number, score in enumerate(null):
        order = mmkernels.relabelling(90, number)
        again = mmkernels.mutual_knn(device.array(x), device.array(y[order]))
        assert device.host(again) == score


def test_unusable_rows_make_nan(device):
    x, y = related(40, 4, 4)
    y[3, 2] = np.nan
    for pair in ((x, y), (y, x)):
        null = mmkernels.mutual_knn_null(*map(device.array, pair), k=3, permutations=4)
        assert np.isnan(device.host(null)).all()


def test_neighbors_beyond_the_rows_make_nan(device):
    x, y = related(60, 4, 4)
    found = mmkernels.knn(device.array(x), 5, queries=device.array(x[:20]))
    null = mmkernels.mutual_knn_null(found, device.array(y[:20]), k=5, permutations=4)
    assert np.isnan(device.host(null)).all()


def test_errors_name_the_argument(device):
    x, y = map(device.array, related(20, 3, 3))
    for permutations in (0, -1, 2**20 + 1):
        with pytest.raises(ValueError, match="permutations must be between 1 and 1048576"):
            mmkernels.mutual_knn_null(x, y, permutations=permutations)
    with pytest.raises(ValueError, match="seed must be between 0 and"):
        mmkernels.mutual_knn_null(x, y, seed=-1)
    with pytest.raises(ValueError, match="k must be between 1 and 19"):
        mmkernels.mutual_knn_null(x, y, k=20)
    with pytest.raises(ValueError, match="same number of samples"):
        mmkernels.mutual_knn_null(x, device.array(related(21, 3, 3)[0]), k=3)
    with pytest.raises(ValueError, match="would wait for the device"):
        mmkernels.mutual_knn_null(x, y, k=3, zero_rows="exclude")
    with pytest.raises(ValueError, match="in host memory"):
        mmkernels.mutual_knn_null(x, related(20, 3, 3)[0], k=3)
