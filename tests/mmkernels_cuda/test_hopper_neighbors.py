"""Neighbours by the kernels for Hopper, which $MMKERNELS_CUDA_PATH asks for at each call."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import cuda
from mmkernels.cuda._arrays import as_device_input
from mmkernels.cuda._call import Call

PATH = "MMKERNELS_CUDA_PATH"


def normal(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(1, 1, (rows, columns)).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
def test_neighbors_are_the_same_by_both_paths(hopper, monkeypatch, metric):
    x, queries = normal(300, 40), normal(9, 40, 1)
    found = []
    for path in ("general", "sm90"):
        monkeypatch.setenv(PATH, path)
        for asked in (None, hopper.array(queries)):
            pairs = mmkernels.knn(hopper.array(x), 7, queries=asked, metric=metric)
            found.append([hopper.host(pairs.indices), hopper.host(pairs.scores)])
    for general, same in zip(found[:2], found[2:], strict=True):
        np.testing.assert_array_equal(same[0], general[0])
        np.testing.assert_array_equal(same[1], general[1])


def test_rows_in_parts_are_searched_by_it(hopper, monkeypatch):
    monkeypatch.setenv(PATH, "sm90")
    x = normal(500, 9)
    found = cuda.knn_of_host_rows(x, 6, part_rows=384)
    np.testing.assert_array_equal(found.indices, mmkernels.knn(x, 6).indices)


def test_the_path_is_read_at_each_call(hopper, monkeypatch):
    rows = as_device_input("x", hopper.array(normal(300, 4)))
    module = Call("knn", rows).module

    def bytes_taken(wish):
        monkeypatch.setenv(PATH, wish)
        path = module.chosen_path(rows.device)
        return module.knn_workspace(rows.array, None, "cosine", 1, path)

    # Lists of Hopper's have room for its first panel of 256 rows.
    assert bytes_taken("sm90") > bytes_taken("general")
    assert bytes_taken("") == bytes_taken("general")


def test_a_path_that_there_is_not_is_refused(device, monkeypatch):
    monkeypatch.setenv(PATH, "hopper")
    wanted = "^MMKERNELS_CUDA_PATH is 'hopper'; it must be general or sm90.$"
    with pytest.raises(ValueError, match=wanted):
        mmkernels.knn(device.array(normal(5, 3)), 2)
    with pytest.raises(ValueError, match=wanted):
        cuda.knn_of_host_rows(normal(300, 3), 2)
