"""pytest-benchmark: ordered lists of neighbours. `pytest benchmarks/bench_sequences.py`

The neighbours are searched beforehand. The other side is what a measure of alignment commonly does:
the dynamic programme of each pair of lists, cell by cell in Python.
"""

from __future__ import annotations

import pytest

import mmkernels

from .peers.problem import features

pytest.importorskip("pytest_benchmark")


def common_subsequence(a, b):
    length = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a)):
        for j in range(len(b)):
            if a[i] == b[j]:
                length[i + 1][j + 1] = length[i][j] + 1
            else:
                length[i + 1][j + 1] = max(length[i][j + 1], length[i + 1][j])
    return length[-1][-1]


def levenshtein(a, b):
    above = list(range(len(b) + 1))
    for i in range(len(a)):
        row = [i + 1]
        for j in range(len(b)):
            if a[i] == b[j]:
                row.append(above[j])
            else:
                row.append(1 + min(above[j], above[j + 1], row[j]))
        above = row
    return above[-1]


def mean_length(pairs, n, k):
    return sum(common_subsequence(a, b) for a, b in pairs) / n


def edit_similarity(pairs, n, k):
    return 1 - sum(levenshtein(a, b) for a, b in pairs) / (n * k)


def of_arrays(score):
    """Over the rows of the arrays as they are, whose numbers numpy boxes one by one."""
    return lambda x, y: score(zip(x.indices, y.indices, strict=True), *x.shape)


def of_lists(score):
    """Over lists of Python's own integers: the most that Python can do."""
    return lambda x, y: score(zip(x.indices.tolist(), y.indices.tolist(), strict=True), *x.shape)


CONTENDERS = {
    "lcs_knn": {
        "mmkernels": mmkernels.lcs_knn,
        "python, arrays": of_arrays(mean_length),
        "python, lists": of_lists(mean_length),
    },
    "edit_distance_knn": {
        "mmkernels": mmkernels.edit_distance_knn,
        "python, arrays": of_arrays(edit_similarity),
        "python, lists": of_lists(edit_similarity),
    },
}
SLOWEST = 2_000_000  # cells that Python fills within a minute on any machine


@pytest.fixture(scope="module")
def lists():
    searched = {}

    def neighbors(n, k):
        if (n, k) not in searched:
            searched[n, k] = [mmkernels.knn(x, k) for x in features(n)]
        return searched[n, k]

    return neighbors


@pytest.mark.parametrize(("n", "k"), [(8192, 10), (8192, 64), (1024, 200)])
@pytest.mark.parametrize("contender", ["mmkernels", "python, arrays", "python, lists"])
@pytest.mark.parametrize("metric", CONTENDERS)
def test_lists(benchmark, lists, metric, contender, n, k):
    x, y = lists(n, k)
    benchmark.group = f"{metric}, n = {n}, k = {k}"
    function = CONTENDERS[metric][contender]
    if contender == "mmkernels":
        found = benchmark(function, x, y, k=k)
    elif n * k * k <= SLOWEST:
        found = benchmark.pedantic(function, (x, y), rounds=1)
    else:
        pytest.skip("takes Python minutes")
    assert found == pytest.approx(mmkernels.measure(metric, x, y, k=k), abs=1e-12)


@pytest.mark.parametrize("metric", ["mutual_knn", "jaccard_knn", "cycle_knn", "rank_similarity"])
def test_other_lists(benchmark, lists, metric):
    x, y = lists(8192, 10)
    benchmark.group = "n = 8192, k = 10"
    benchmark(mmkernels.measure, metric, x, y)
