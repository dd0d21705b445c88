"""pytest-benchmark: HSIC and CKA. `pytest benchmarks/bench_gram.py`"""

from __future__ import annotations

import pytest

import mmkernels

from .peers import PEERS
from .peers.problem import SIGMA, features

pytest.importorskip("pytest_benchmark")

CONTESTS = [
    pytest.param(peer, operation, id=f"{operation}, {peer.name}")
    for peer in PEERS
    for operation in peer.operations
    if operation.startswith("cka")
]


@pytest.mark.parametrize("n", [1024, 4096])
@pytest.mark.parametrize(("peer", "operation"), CONTESTS)
def test_cka(benchmark, peer, operation, n):
    if peer.version() is None:
        pytest.skip(f"{peer.distribution} is not installed")
    x, y = features(n)
    benchmark.group = f"{operation}, n = {n}"
    benchmark(peer.operations[operation], x, y)


@pytest.mark.parametrize("d", [16, 64, 256, 1024])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_cka_by_width(benchmark, kernel, d):
    x, y = features(2048, d)
    benchmark.group = f"cka {kernel}, n = 2048, by width"
    sigma = SIGMA if kernel == "rbf" else None
    benchmark(mmkernels.cka, x, y, kernel=kernel, sigma=sigma)


def test_median(benchmark):
    x, _ = features(4096)
    benchmark(mmkernels.prepare_gram, x, kernel="rbf", sigma="median")


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_centered_gram(benchmark, kernel):
    x, _ = features(2048)
    benchmark.group = "centered_gram, n = 2048"
    benchmark(mmkernels.centered_gram, x, kernel=kernel, sigma=SIGMA if kernel == "rbf" else None)


@pytest.mark.parametrize("layers", [2, 8])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_cka_matrix(benchmark, kernel, layers):
    x, _ = features(2048)
    benchmark.group = f"cka_matrix {kernel}, n = 2048"
    sigma = SIGMA if kernel == "rbf" else None
    benchmark(mmkernels.cka_matrix, [x[:, i:] for i in range(layers)], kernel=kernel, sigma=sigma)
