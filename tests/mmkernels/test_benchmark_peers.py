"""The libraries in the benchmark compute what they are said to compute."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mmkernels import reference

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

from peers import PEERS, faiss_flat, torch_platonic  # noqa: E402
from peers.problem import NEIGHBORS, OPERATIONS, SIGMA, TOLERANCE, features  # noqa: E402

TRUTHS = {
    "mutual_knn": lambda x, y: reference.mutual_knn(x, y, k=NEIGHBORS),
    "cka linear": reference.cka,
    "cka rbf": lambda x, y: reference.cka(x, y, kernel="rbf", sigma=SIGMA),
}
CONTESTS = [
    pytest.param(peer, operation, id=f"{operation}, {peer.name}")
    for peer in PEERS
    for operation in peer.operations
]


@pytest.fixture(scope="module")
def problem():
    x, y = features(220)
    return x, y, {operation: truth(x, y) for operation, truth in TRUTHS.items()}


def test_every_operation_has_a_truth_and_a_peer():
    assert set(TRUTHS) == set(OPERATIONS)
    for operation in OPERATIONS:
        assert sum(operation in peer.operations for peer in PEERS) >= 2


@pytest.mark.parametrize(("peer", "operation"), CONTESTS)
def test_peer_agrees_with_the_reference(peer, operation, problem):
    if peer.version() is None:
        pytest.skip(f"{peer.distribution} is not installed")
    x, y, truths = problem
    assert 0.05 < truths[operation] < 0.95
    assert abs(peer.operations[operation](x, y) - truths[operation]) <= TOLERANCE[operation]


def test_platonic_agrees_within_what_it_adds(problem):
    if torch_platonic.PEER.version() is None:
        pytest.skip("torch is not installed")
    x, y, truths = problem
    score = torch_platonic.cka_rbf(x, y)
    assert 0 < abs(score - truths["cka rbf"]) <= torch_platonic.TOLERANCE


@pytest.mark.parametrize("k", [1, 10, 150])
def test_faiss_neighbors_leave_out_the_row_itself(problem, k):
    pytest.importorskip("faiss")
    rows = problem[0] / np.linalg.norm(problem[0], axis=1, keepdims=True)
    rows[20:24] = rows[0]
    found = faiss_flat.neighbors(rows, k)
    assert found.shape == (len(rows), k)
    assert not (found == np.arange(len(rows))[:, None]).any()
    similarities = reference.scores(rows, rows)
    reached = np.take_along_axis(similarities, found, axis=1)
    np.testing.assert_allclose(reached, reference.knn(rows, k).scores, atol=1e-6)
