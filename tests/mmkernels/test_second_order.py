"""second_order_cosine against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets

METRICS = ["cosine", "ip", "l2"]


def check(x, y, *, k, metric="cosine", tolerance=1e-12):
    """The same neighbours, so that equals may come in any order."""
    found = mmkernels.second_order_cosine(x, y, k=k, metric=metric)
    lists = [mmkernels.knn(z, k, metric=metric).indices for z in (x, y)]
    wanted = reference.second_order_cosine_of_lists(x, y, *lists)
    assert float(found) == pytest.approx(wanted, abs=tolerance), (k, metric)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("n", "d"), [(2, 1), (3, 33), (4, 3), (5, 1), (31, 33), (32, 3), (33, 1), (129, 33)]
)
def test_sizes(n, d, metric):
    x, y = datasets.related(n, d, max(1, d // 2))
    for k in sorted({1, min(10, n - 1), n - 1}):
        check(x, y, k=k, metric=metric)


def test_the_whole_way_from_features():
    x, y = datasets.related(200, 24, 17, dtype=np.float64)
    for metric in METRICS:
        wanted = reference.second_order_cosine(x, y, k=9, metric=metric)
        found = mmkernels.second_order_cosine(x, y, k=9, metric=metric)
        assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("values", datasets.AWKWARD)
def test_awkward_values(values):
    x, y = datasets.AWKWARD[values](150, 13), datasets.gaussian(150, 7, seed=1)
    check(x, y, k=12, tolerance=1e-11)
    check(y, x, k=12, metric="l2", tolerance=1e-11)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "uint16", "int64", "bool"])
def test_types_and_layouts(dtype):
    x, y = datasets.related(90, 40, 22)
    x, y = ((z > -0.5) if dtype == "bool" else (40 * z).clip(0, 99).astype(dtype) for z in (x, y))
    check(x, y, k=7)
    wide = np.zeros((180, 120), x.dtype)
    wide[::2, ::3] = x
    assert mmkernels.second_order_cosine(wide[::2, ::3], y) == mmkernels.second_order_cosine(x, y)


def test_torch():
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z).bfloat16() for z in datasets.related(80, 9, 7))
    found = mmkernels.second_order_cosine(x, y)
    assert (found.dtype, found.shape) == (torch.float64, ())
    wanted = mmkernels.second_order_cosine(x.double().numpy(), y.double().numpy())
    assert float(found) == wanted


@pytest.mark.parametrize("scale", [1e-200, 1e-20, 1e20, 1e200])
def test_scales(scale):
    x, y = datasets.related(120, 9, 14, dtype=np.float64)
    wanted = mmkernels.second_order_cosine(x, y)
    assert mmkernels.second_order_cosine(x * scale, y) == pytest.approx(wanted, abs=1e-12)


def test_sides_may_change_places_and_a_side_is_itself():
    x, y = datasets.related(150, 9, 14)
    assert mmkernels.second_order_cosine(x, y) == mmkernels.second_order_cosine(y, x)
    assert mmkernels.second_order_cosine(x, x.copy()) == 1
    lengths = datasets.generator(3).uniform(0.1, 10, (150, 1))
    assert mmkernels.second_order_cosine(x, x * lengths) == pytest.approx(1, abs=1e-12)


def test_opposed_similarities():
    """One neighbour each, at a right angle but for a sign: u = (c), v = (-c)."""
    x = np.array([[1.0, 0.0], [1.0, 1.0]])
    y = np.array([[1.0, 0.0], [-1.0, 1.0]])
    assert mmkernels.second_order_cosine(x, y, k=1) == -1


def test_it_compares_similarities_and_not_distances_as_resi_does():
    x, y = datasets.related(150, 9, 14, dtype=np.float64)
    to_x, to_y = (reference.scores(z, z) for z in (x, y))
    lists = [mmkernels.knn(z, 10).indices for z in (x, y)]
    of_similarities, of_distances = [], []
    for i, (a, b) in enumerate(zip(*lists, strict=True)):
        either = np.union1d(a, b)
        for found, u, v in (
            (of_similarities, to_x[i, either], to_y[i, either]),
            (of_distances, 1 - to_x[i, either], 1 - to_y[i, either]),
        ):
            found.append(u @ v / np.linalg.norm(u) / np.linalg.norm(v))
    found = mmkernels.second_order_cosine(x, y)
    assert found == pytest.approx(np.mean(of_similarities), abs=1e-12)
    assert abs(found - np.mean(of_distances)) > 0.01


def test_a_sample_orthogonal_to_its_neighbors_has_no_score():
    x, y = np.eye(6), datasets.gaussian(6, 4)
    with pytest.warns(RuntimeWarning, match=r"x has a row \(0; shape \(6, 6\)\) orthogonal"):
        assert np.isnan(mmkernels.second_order_cosine(x, y, k=2))
    x = np.block([[np.ones((5, 1)), np.zeros((5, 5))], [np.zeros((1, 1)), np.ones((1, 5))]])
    with pytest.warns(RuntimeWarning, match=r"y has a row \(5; ") as caught:
        assert np.isnan(mmkernels.second_order_cosine(y, x, k=2))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("metric", METRICS)
def test_zero_rows(metric):
    x, y = datasets.related(120, 14, 18)
    x[[5, 80]], y[[5, 33]] = 0, 0
    kept = np.setdiff1d(np.arange(120), [5, 33, 80])
    with pytest.raises(ValueError, match=r'x has a zero row \(row 5.*zero_rows="exclude"'):
        mmkernels.second_order_cosine(x, y, metric=metric)
    with pytest.warns(RuntimeWarning, match="3 of 120") as caught:
        found = mmkernels.second_order_cosine(x, y, k=8, metric=metric, zero_rows="exclude")
    assert caught[0].filename == __file__
    assert found == mmkernels.second_order_cosine(x[kept], y[kept], k=8, metric=metric)


def test_neighbors_are_refused():
    x, y = datasets.related(60, 14, 18)
    with pytest.raises(TypeError, match=r"x is an already searched Neighbors.*needs the array"):
        mmkernels.second_order_cosine(mmkernels.knn(x, 10), y)
    with pytest.raises(TypeError, match="y is an already searched Neighbors"):
        mmkernels.second_order_cosine(x, mmkernels.knn(y, 10))
