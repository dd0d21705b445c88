"""pytest-benchmark: neighbours and their overlap. `pytest benchmarks/bench_neighbors.py`"""

from __future__ import annotations

import pytest

import mmkernels

from .peers import PEERS
from .peers.problem import features

pytest.importorskip("pytest_benchmark")

CONTENDERS = [peer for peer in PEERS if "mutual_knn" in peer.operations]


@pytest.mark.parametrize("n", [1024, 4096])
@pytest.mark.parametrize("peer", CONTENDERS, ids=lambda peer: peer.name)
def test_mutual_knn(benchmark, peer, n):
    if peer.version() is None:
        pytest.skip(f"{peer.distribution} is not installed")
    x, y = features(n)
    benchmark.group = f"mutual_knn, n = {n}"
    benchmark(peer.operations["mutual_knn"], x, y)


@pytest.mark.parametrize("k", [1, 10, 100])
@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
def test_knn(benchmark, metric, k):
    x, _ = features(4096)
    benchmark.group = f"knn, n = 4096, {metric}"
    benchmark(mmkernels.knn, x, k, metric=metric)


@pytest.mark.parametrize("layers", [2, 8])
def test_mutual_knn_matrix(benchmark, layers):
    x, _ = features(2048)
    benchmark.group = "mutual_knn_matrix, n = 2048"
    benchmark(mmkernels.mutual_knn_matrix, [x[:, i:] for i in range(layers)])
