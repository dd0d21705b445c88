"""What was prepared stays as it was, whatever becomes of the array it was prepared from."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels

from . import datasets

KERNELS = ["linear", "cosine", "rbf", "laplacian", "distance", "polynomial", "precomputed"]


@pytest.mark.parametrize("shape", [(200, 12), (20, 40)])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("unbiased", [True, False])
def test_a_buffer_may_be_used_again(kernel, shape, unbiased):
    layers = [datasets.gaussian(*shape, seed) for seed in range(3)]
    if kernel == "precomputed":
        layers = [z @ z.T for z in layers]
    wanted = mmkernels.cka_matrix(layers, kernel=kernel, unbiased=unbiased)
    buffer = np.empty_like(layers[0])
    prepared = []
    for layer in layers:
        buffer[:] = layer
        prepared.append(mmkernels.prepare_gram(buffer, kernel=kernel))
    buffer[:] = 0
    np.testing.assert_array_equal(mmkernels.cka_matrix(prepared, unbiased=unbiased), wanted)


def test_neighbors_of_a_buffer():
    x, y = datasets.related(60, 9, 7)
    wanted = mmkernels.mutual_knn(x, y)
    searched = mmkernels.knn(x, 10)
    x[:] = 0
    assert mmkernels.mutual_knn(searched, y) == wanted


def test_a_read_only_array_is_not_copied(tmp_path):
    np.save(tmp_path / "x.npy", datasets.gaussian(50, 6))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert mmkernels.prepare_gram(mapped).features is not None
    assert mmkernels.cka(mmkernels.prepare_gram(mapped), np.array(mapped)) == pytest.approx(1)
