"""Neighbours of rows that stay in host memory."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import cuda


@pytest.fixture
def on_device(device):
    """Streaming needs no array of the device's, only the device."""
    return device


def normal(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(2, 1, (rows, columns)).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
@pytest.mark.parametrize("part_rows", [100, 256, None])
def test_parts_give_the_neighbors_of_the_cpu(on_device, metric, part_rows):
    x = normal(300, 9)
    found = cuda.knn_of_host_rows(x, 6, metric=metric, part_rows=part_rows)
    same = mmkernels.knn(x, 6, metric=metric)
    assert isinstance(found, mmkernels.Neighbors)
    np.testing.assert_array_equal(found.indices, same.indices)
    np.testing.assert_allclose(found.scores, same.scores, rtol=1e-12, atol=1e-12)


def test_memory_map_with_many_equal_rows(on_device, tmp_path):
    x = np.repeat(normal(3, 5), 90, axis=0)
    np.save(tmp_path / "x.npy", x)
    rows = np.load(tmp_path / "x.npy", mmap_mode="r")
    found = cuda.knn_of_host_rows(rows, 4, part_rows=128)
    np.testing.assert_array_equal(found.indices, mmkernels.knn(x, 4).indices)


def test_strided_rows_of_other_types(on_device):
    x = np.round(normal(200, 12) * 8).astype(np.int16)[::-1, ::2]
    found = cuda.knn_of_host_rows(x, 3, metric="l2", part_rows=128)
    np.testing.assert_array_equal(found.indices, mmkernels.knn(x, 3, metric="l2").indices)


def test_values_are_checked_before_anything_moves(on_device):
    x = normal(20, 3)
    x[7, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in row 7"):
        cuda.knn_of_host_rows(x, 3)


def test_what_does_not_fit_is_a_memory_error(shim):
    shim.library.free = 1000
    with pytest.raises(MemoryError, match=r"x \(shape \(300, 9\)\) needs \d+ bytes"):
        cuda.knn_of_host_rows(normal(300, 9), 6)
    shim.library.free = 2**21
    plan = shim.library.empty
    sizes = []

    def counted(shape, type_name, device):
        sizes.append(shape[0])
        return plan(shape, type_name, device)

    shim.library.empty = counted
    cuda.knn_of_host_rows(normal(400, 200), 2)
    assert 2**20 < sizes[0] <= 0.8 * 2**21
