"""What other programs got wrong about batches and about sweeps over layers, each shown once."""

from __future__ import annotations

import gc
import importlib
import weakref

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets

# The others need not be best for a copy: HSIC is largest where the features are, and a sample
# may find itself again by other ways than through its own neighbours.
BEST_OF_ITSELF = [
    n for n in mmkernels.measures() if n not in ("hsic", "unbiased_hsic", "cycle_knn")
]
ONE_WAY = ("cycle_knn", "pwcca", "linear_predictivity", "linear_regression")


def layers(count, n=90, d=12, seed=0):
    """Of one model: each has more noise than the one before."""
    x, _ = datasets.related(n, d, 1, seed, noise=0.1)
    return [x + np.float32(0.7 * i) * datasets.gaussian(n, d, 100 + seed + i) for i in range(count)]


@pytest.mark.parametrize("place", [(0, 0), (0, 3), (2, 1)])
def test_the_first_layer_is_the_first_row_and_models_are_not_exchanged(place):
    """multimodal_alignment stores layer 0 last, torch_cka labels rows in another order, and
    numpee's matrix is (y, x)."""
    xs, ys = layers(3), layers(4, seed=7)
    ys[place[1]] = xs[place[0]] * 2 + 0.01 * datasets.gaussian(90, 12, 55)
    for name in BEST_OF_ITSELF:
        found = mmkernels.measure_matrix(name, xs, ys)
        assert found.shape == (3, 4)
        best = np.argmin(found) if name.endswith("distance") else np.argmax(found)
        assert np.unravel_index(best, found.shape) == place, name


@pytest.mark.parametrize("name", ONE_WAY)
def test_a_sweep_of_a_score_with_a_direction_keeps_it(name):
    """platonic-rep's compute_alignment calls compute_score(y, x): cycles run the other way."""
    xs, ys = layers(2), layers(3, seed=7)
    found = mmkernels.measure_matrix(name, xs, ys)
    forth = [[float(mmkernels.measure(name, x, y)) for y in ys] for x in xs]
    back = [[float(mmkernels.measure(name, y, x)) for y in ys] for x in xs]
    assert np.allclose(found, forth, rtol=0, atol=1e-12)
    assert np.abs(np.subtract(forth, back)).max() > 1e-3


def test_the_best_pair_of_layers_has_the_direction_and_the_order_of_its_arguments():
    """platonic-rep's compute_alignment: saved indices are (layer of y, layer of x)."""
    pytest.importorskip("torch")
    import torch

    from mmkernels.compat.platonic_layers import compute_score

    xs, ys = layers(2), layers(3, seed=7)
    scores = np.array([[float(mmkernels.cycle_knn(x, y, k=3)) for y in ys] for x in xs])
    sides = [[torch.from_numpy(z) for z in side] for side in (xs, ys)]
    score, place = compute_score(*sides, metric="cycle_knn", topk=3)
    assert score == scores.max() == scores[place]
    other = np.array([[float(mmkernels.cycle_knn(y, x, k=3)) for y in ys] for x in xs])
    assert score != other.max()


@pytest.mark.parametrize("name", mmkernels.measures())
def test_what_goes_wrong_in_a_sweep_is_raised(name):
    """platonic-universe's compare turns every exception into None."""
    x, y = datasets.related(40, 9, 7)
    bad = y.copy()
    bad[3, 3] = np.nan
    with pytest.raises(ValueError, match="has NaN or infinity in row 3 "):
        mmkernels.measure_matrix(name, [x, y], [y, bad])
    with pytest.raises(ValueError, match="number of samples"):
        mmkernels.measure_matrix(name, [x, y], [y, y[:39]])


def test_a_layer_is_compared_with_itself_once_and_not_once_per_pair(monkeypatch):
    """torch_cka computes HSIC(L, L) anew for every pair of layers."""
    computed = []
    module = importlib.import_module("mmkernels._hsic")
    plain = module.hsic_values

    def counting(grams, pairs, estimator):
        computed.extend(pairs)
        return plain(grams, pairs, estimator)

    monkeypatch.setattr(module, "hsic_values", counting)
    mmkernels.cka_matrix(layers(4), layers(3, seed=7))
    assert sorted(computed) == sorted(
        [(i, i) for i in range(7)] + [(i, j) for i in range(4) for j in range(4, 7)]
    )


@pytest.mark.parametrize("name", ["jaccard_knn", "cycle_knn", "lcs_knn", "edit_distance_knn"])
def test_neighbors_of_a_layer_are_searched_once_and_not_once_per_pair(name, monkeypatch):
    """platonic-rep searches both sides for each of the pairs."""
    searched = []
    module = importlib.import_module("mmkernels.measures")
    plain = module.knn

    def counting(x, *arguments, **options):
        searched.append(x.name)
        return plain(x, *arguments, **options)

    monkeypatch.setattr(module, "knn", counting)
    mmkernels.measure_matrix(name, layers(3), layers(2, seed=7))
    assert searched == ["xs[0]", "xs[1]", "xs[2]", "ys[0]", "ys[1]"]


def test_the_best_of_many_pairs_is_above_chance_and_each_pair_is_not():
    """Reported as alignment by many: 12 x 12 layers of unrelated models reach 1.4 times chance."""
    xs, ys = ([datasets.gaussian(400, 16, seed + i) for i in range(12)] for seed in (0, 50))
    found = mmkernels.mutual_knn_matrix(xs, ys, k=10)
    chance = 10 / 399
    assert found.mean() == pytest.approx(chance, rel=0.02)
    assert found.max() > 1.15 * chance


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_hundreds_of_batches_end_in_a_number(dtype):
    """PyTorch-Model-Compare#2: NaN after 150 batches."""
    x, y = (z.astype(dtype) + dtype(50) for z in datasets.related(1200, 12, 9))
    score = mmkernels.LinearCKA()
    for first in range(0, 1200, 4):
        score.update(x[first : first + 4], y[first : first + 4])
    assert score.compute() == pytest.approx(reference.cka(x, y), abs=1e-11)


def test_units_that_are_off_do_not_matter():
    """PyTorch-Model-Compare#4, CKA.pytorch#2: NaN for some layers, as after a ReLU."""
    x, y = datasets.related(300, 40, 30)
    x, y = np.maximum(x - 3, 0), np.maximum(y - 1, 0)
    x[:, ::2] = 0
    assert (x == 0).mean() > 0.7
    assert (~x.any(axis=1)).any()
    score = mmkernels.LinearCKA()
    for first in range(0, 300, 20):  # in many batches all columns but a few are constant
        score.update(x[first : first + 20], y[first : first + 20])
    wanted = reference.cka(x, y)
    assert score.compute() == pytest.approx(wanted, abs=1e-11)
    assert mmkernels.cka(x, y) == pytest.approx(wanted, abs=1e-6)
    assert mmkernels.cka_matrix([x, y])[0, 1] == pytest.approx(wanted, abs=1e-6)


def test_batches_are_not_remembered():
    """torchmetrics#1279: a state that grows with the samples, until the memory ends."""
    score = mmkernels.LinearCKA()
    sizes = set()
    for seed in range(6):
        batch = datasets.gaussian(200, 9, seed)
        score.update(batch, batch[:, :4])
        sizes.add(sum(value.nbytes for value in score.state_dict().values()))
    assert len(sizes) == 1
    alive = weakref.ref(batch)
    del batch
    gc.collect()
    assert alive() is None


def test_the_graph_of_a_batch_is_not_kept():
    """torch_cka compares layers without no_grad: the memory of every batch stays."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchmetrics")
    from mmkernels.torch.metric import LinearCKA

    for score in (mmkernels.LinearCKA(), LinearCKA(9, 4)):
        weights = torch.ones(9, requires_grad=True)
        x = torch.from_numpy(datasets.gaussian(50, 9)) * weights
        score.update(x, x[:, :4])
        assert not score.compute().requires_grad
        alive = weakref.ref(x)
        del x
        gc.collect()
        assert alive() is None


def test_two_loaders_of_different_lengths_are_noticed():
    """torch_cka takes the length of the first one for both (PyTorch-Model-Compare#14)."""
    x, y = datasets.related(100, 9, 7)
    score = mmkernels.LinearCKA()
    score.update(x[:64], y[:64])
    with pytest.raises(ValueError, match=r"same number of samples.*\(36, 9\) and \(30, 7\)"):
        score.update(x[64:], y[64:94])
    assert score.count == 64
    with pytest.raises(ValueError, match=r"same number of samples"):
        mmkernels.measure_matrix("unbiased_cka", [x], [y[:94]])


def test_outliers_are_clamped_where_the_documentation_says():
    """platonic-universe documents the 95th percentile and takes the 100th: nothing is clamped."""
    pytest.importorskip("torch")
    import torch

    from mmkernels.compat.platonic_layers import prepare_features

    x = torch.from_numpy(datasets.heavy_tailed(50, 40))
    limit = float(torch.quantile(x.abs(), 0.95, dim=1).mean())
    assert torch.allclose(prepare_features(x), x.clamp(-limit, limit), rtol=1e-5)
    assert torch.equal(prepare_features(x, q=1), x)
    assert not torch.equal(prepare_features(x), x)
