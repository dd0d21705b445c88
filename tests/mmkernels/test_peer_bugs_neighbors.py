"""What other programs got wrong about neighbours, each shown once.

What is shown of every metric on lists (k >= n, NaN, duplicates, zero rows) is in
test_neighbor_lists.py.
"""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .list_checks import LISTS
from .neighbor_checks import check_neighbors

METRICS = ["cosine", "ip", "l2"]


def shared_mean(n, d, cosine, seed=0):
    """Rows whose mean pairwise cosine is about `cosine`, as those of trained networks."""
    return datasets.gaussian(n, d, seed) + np.float32(np.sqrt(cosine / (1 - cosine)))


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_similarities_are_not_rounded_to_bfloat16():
    """platonic-rep's Alignment does: at a mean cosine of 0.88 a seventh of the lists is wrong."""
    torch = pytest.importorskip("torch")
    x = shared_mean(600, 256, 0.88)
    truth = reference.knn(x, 10)[0]
    found = mmkernels.knn(x, 10).indices
    assert np.array_equal(found, truth)

    rows = torch.from_numpy(unit(x))
    rounded = (rows @ rows.T).bfloat16().float().fill_diagonal_(-2)
    in_bfloat16 = rounded.topk(11).indices.numpy()
    scores = np.take_along_axis(rounded.numpy(), in_bfloat16, axis=1)
    assert (scores[:, 9] == scores[:, 10]).mean() > 0.4  # ties at the last place
    shared = [len(np.intersect1d(a, b)) for a, b in zip(in_bfloat16[:, :10], truth, strict=True)]
    assert np.mean(shared) < 9.2


@pytest.mark.parametrize("name", [*LISTS, "second_order_cosine", "cknna"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_only_how_the_values_were_stored(name, dtype):
    """platonic-rep raises for float16 and ranks similarities in bfloat16 for bfloat16."""
    torch = pytest.importorskip("torch")
    x, y = (
        torch.from_numpy(z + np.float32(2)).to(getattr(torch, dtype))
        for z in datasets.related(150, 24, 17)
    )
    measure = getattr(mmkernels, name)
    assert float(measure(x, y)) == float(measure(x.double(), y.double()))


def test_the_precision_that_torch_multiplies_in_does_not_matter():
    """platonic-rep's script turns TF32 on, which moves a neighbour in 700 at a mean cosine 0.88."""
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(shared_mean(200, 64, 0.88, seed)) for seed in (0, 1))

    def scores():
        found = [float(mmkernels.measure(name, x, y)) for name in (*LISTS, "cknna", "cka", "cmd")]
        with_gradient = mmkernels.cka(x.clone().requires_grad_(), y)  # products of torch's own
        return [*found, float(with_gradient.detach())]

    before = torch.get_float32_matmul_precision()
    wanted = scores()
    try:
        torch.set_float32_matmul_precision("medium")
        assert scores() == wanted
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("metric", METRICS)
def test_more_than_a_hundred_neighbors(metric):
    """pytorch_cluster stops at 100, and has no cosine on the CPU."""
    x = datasets.gaussian(400, 12).astype(np.float64)
    truth = reference.knn(x, 350, metric=metric)[0]
    assert np.array_equal(mmkernels.knn(x, 350, metric=metric).indices, truth)


@pytest.mark.parametrize("size", [1e6, 1e20, 1e100])
def test_no_distance_is_farther_than_a_neighbor_may_be(size):
    """pytorch_cluster begins with squared distances of 1e10 and finds nothing beyond."""
    x = size * datasets.gaussian(80, 9).astype(np.float64)
    found = mmkernels.knn(x, 5, metric="l2")
    assert np.array_equal(found.indices, reference.knn(x / size, 5, metric="l2")[0])
    assert (found.scores < -1e10).all()


@pytest.mark.parametrize("size", [1e3, 1e5, 1e40])
def test_no_similarity_is_lower_than_that_to_oneself(size):
    """platonic-rep and others put -1e8 on the diagonal: above all products of opposite rows."""
    x = size * np.array([[1.0, 0.1], [-1.0, 0.2], [-2.0, 0.3], [-3.0, 0.1]])
    found = mmkernels.knn(x, 3, metric="ip")
    assert found.indices[0].tolist() == [1, 2, 3]
    assert (found.scores[0] < 0).all()
    assert not (found.indices == np.arange(4)[:, None]).any()


def test_a_row_equal_to_another_one_is_at_no_distance_and_no_other_row_is():
    """torch.cdist: 0.004 between equal rows, 0 between different ones (pytorch#57690, #42479)."""
    whole = datasets.integers(120, 40)
    x = np.vstack([whole, whole[:30]]) + np.float32(100_000)
    found = mmkernels.knn(x, 20, metric="l2")
    steps = x.astype(np.float64)[:, None] - x.astype(np.float64)[found.indices]
    distances = np.square(steps).sum(axis=2)
    assert found.scores == pytest.approx(-distances, rel=1e-9, abs=1e-9)
    assert np.array_equal(found.indices[:30, 0], np.arange(120, 150))
    assert (distances[:30, 0] == 0).all()
    assert distances[:30, 1:].min() > 0


@pytest.mark.parametrize("metric", METRICS)
def test_copies_of_a_row_are_all_found(metric):
    """faiss on a GPU finds 0.866 of them (faiss#904)."""
    x = datasets.duplicated(320, 16, copies=8)
    if metric == "ip":
        x = np.sign(x)  # of one length, so that nothing is nearer to a row than its copy
    found = mmkernels.knn(x, 7, metric=metric).indices
    assert (x[found] == x[:, None]).all()
    assert not (found == np.arange(320)[:, None]).any()


@pytest.mark.parametrize("metric", ["ip", "l2"])
def test_equal_similarities_come_in_the_same_order_from_any_array(metric):
    """torch.topk leaves it open: CPU and CUDA differ (pytorch#27542 and others)."""
    torch = pytest.importorskip("torch")
    x = datasets.integers(200, 3, largest=1)  # 27 different rows
    wanted = mmkernels.knn(x, 12, metric=metric)
    similarity = x.astype(np.float64) @ x.T
    if metric == "l2":
        squares = np.diag(similarity)
        similarity = 2 * similarity - squares - squares[:, None]
    check_neighbors(wanted.indices, wanted.scores, similarity, 12)
    wide = np.zeros((400, 9), np.float64)
    wide[::2, ::3] = x
    for same in (wide[::2, ::3], np.asfortranarray(x), torch.from_numpy(x).bfloat16(), x[:, ::-1]):
        assert np.array_equal(mmkernels.knn(same, 12, metric=metric).indices, wanted.indices)


def test_the_stand_in_for_platonic_rep_says_where_rows_have_no_neighbors():
    """It takes inner products of rows made unit before: those with a zero row all tie at 0, and
    independent features with 30 % of such rows score 0.35. compute_score knows and refuses."""
    torch = pytest.importorskip("torch")
    from mmkernels.compat.platonic import AlignmentMetrics
    from mmkernels.compat.platonic_layers import compute_score

    x, y = datasets.gaussian(200, 32), datasets.gaussian(200, 32, seed=1)
    x[7:67], y[7:67] = 0, 0
    x, y = (torch.nn.functional.normalize(torch.from_numpy(z), dim=1) for z in (x, y))
    for name in ("mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna"):
        for pair, side in (((x, y + 1), "feats_A"), ((x + 1, y), "feats_B")):
            with pytest.warns(RuntimeWarning, match=f"{side} has a zero row .row 7; ") as caught:
                AlignmentMetrics.measure(name, *pair, topk=10)
            assert caught[0].filename == __file__
    with pytest.raises(ValueError, match="zero row"):
        compute_score([x], [y])


def test_the_whole_of_a_list_never_counts_as_its_nearest():
    """platonic-rep, platonic-universe and repralign cut k to what there is, and score 1."""
    x, y = datasets.gaussian(20, 6), datasets.gaussian(20, 6, seed=1)
    for name in (*LISTS, "second_order_cosine", "cknna"):
        for k in (20, 25):
            with pytest.raises(ValueError, match=f"k must be between 1 and 19.* it is {k}"):
                mmkernels.measure(name, x, y, k=k)
            with pytest.raises(ValueError, match=f"k must be between 1 and 19.* it is {k}"):
                mmkernels.measure_matrix(name, [x], [y], k=k)
