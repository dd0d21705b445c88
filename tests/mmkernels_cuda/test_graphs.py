"""Calls that are captured in a CUDA graph and replayed on other values; only a GPU has graphs."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels

CALLS = {
    "knn": lambda x, y: mmkernels.knn(x, 5).indices,
    "mutual_knn": lambda x, y: mmkernels.mutual_knn(x, y, k=5),
    "mutual_knn_null": lambda x, y: mmkernels.mutual_knn_null(x, y, k=5, permutations=9),
    "cka": mmkernels.cka,
    "hsic": lambda x, y: mmkernels.hsic(x, y, kernel="rbf", sigma="median"),
    "centered_gram": lambda x, y: mmkernels.centered_gram(x),
}


@pytest.mark.parametrize("name", [name for name in CALLS if hasattr(mmkernels.cuda, name)])
def test_a_captured_call_replays(name, gpu):
    import torch

    first, second = (np.random.default_rng(seed).normal(size=(2, 300, 40)) for seed in (0, 1))
    x, y = (gpu.array(values) for values in first)
    call = CALLS[name]
    call(x, y)  # what is loaded when first used cannot be while a graph is captured
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = call(x, y)
    for values in (second, first):
        for array, other in zip((x, y), values, strict=True):
            array.copy_(gpu.array(other))
        graph.replay()
        wanted = call(*(gpu.array(other) for other in values))
        np.testing.assert_array_equal(gpu.host(found), gpu.host(wanted))
