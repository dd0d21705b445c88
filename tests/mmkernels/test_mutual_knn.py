"""mutual_knn and its matrix against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets

METRICS = ["cosine", "ip", "l2"]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "d"), [(2, 1), (3, 5), (33, 17), (129, 64), (500, 31), (40, 1025)])
def test_sizes(n, d, metric):
    x, y = datasets.related(n, d, max(1, d // 2))
    for k in sorted({1, min(10, n - 1), n - 1}):
        found = mmkernels.mutual_knn(x, y, k=k, metric=metric)
        assert found == pytest.approx(reference.mutual_knn(x, y, k=k, metric=metric), abs=1e-12)


def test_all_neighbors_are_always_shared():
    x, y = datasets.gaussian(50, 4), datasets.gaussian(50, 7, seed=1)
    assert mmkernels.mutual_knn(x, y, k=49) == 1.0


@pytest.mark.parametrize("metric", METRICS)
def test_a_representation_agrees_with_itself(metric):
    for name in ("gaussian", "duplicated", "all_equal", "hubs"):
        x = datasets.AWKWARD[name](130, 19)
        assert mmkernels.mutual_knn(x, x, k=7, metric=metric) == 1.0


def test_chance_level():
    n, k = 1500, 10
    scores = [
        mmkernels.mutual_knn(
            datasets.gaussian(n, 40, seed), datasets.gaussian(n, 40, seed + 50), k=k
        )
        for seed in range(4)
    ]
    assert np.mean(scores) == pytest.approx(k / (n - 1), rel=0.2)


def test_neighbors_stand_for_their_array():
    x, y = datasets.related(200, 24, 9)
    in_x, in_y = mmkernels.knn(x, 10), mmkernels.knn(y, 10)
    wanted = mmkernels.mutual_knn(x, y)
    assert mmkernels.mutual_knn(in_x, in_y) == wanted
    assert mmkernels.mutual_knn(in_x, y) == wanted
    assert mmkernels.mutual_knn(x, in_y) == wanted
    assert mmkernels.mutual_knn(x, in_y) == pytest.approx(reference.mutual_knn(x, y), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_matrix(metric):
    x, y = datasets.related(150, 20, 33)
    xs = [x, y, datasets.gaussian(150, 5, seed=9)]
    ys = [y.astype(np.float64), x[:, ::-1]]
    found = mmkernels.mutual_knn_matrix(xs, ys, k=6, metric=metric)
    assert found.shape == (3, 2)
    assert found.dtype == np.float64
    wanted = reference.mutual_knn_matrix(xs, ys, k=6, metric=metric)
    assert np.allclose(found, wanted, rtol=0, atol=1e-12)

    square = mmkernels.mutual_knn_matrix(xs, k=6, metric=metric)
    assert np.array_equal(square, square.T)
    assert (np.diag(square) == 1).all()
    wanted = reference.mutual_knn_matrix(xs, k=6, metric=metric)
    assert np.allclose(square, wanted, rtol=0, atol=1e-12)


def test_matrix_takes_neighbors():
    x, y = datasets.related(150, 20, 33)
    wanted = mmkernels.mutual_knn_matrix([x, y], [y, x], k=4)
    found = mmkernels.mutual_knn_matrix([mmkernels.knn(x, 4), y], [y, mmkernels.knn(x, 4)], k=4)
    assert np.array_equal(found, wanted)


class TestZeroRows:
    def pair(self):
        x, y = datasets.related(120, 14, 18)
        x[[5, 80]] = 0
        y[[5, 33]] = 0
        kept = np.setdiff1d(np.arange(120), [5, 33, 80])
        return x, y, kept

    def test_raise_by_default(self):
        x, y, _ = self.pair()
        with pytest.raises(ValueError, match='zero_rows="exclude"') as caught:
            mmkernels.mutual_knn(x, y)
        assert "row 5" in str(caught.value)
        assert "x" in str(caught.value)
        with pytest.raises(ValueError, match="row 5") as caught:
            mmkernels.mutual_knn(x + 1, y)
        assert "y" in str(caught.value)

    def test_exclude_drops_the_row_from_both_sides_and_says_so(self):
        x, y, kept = self.pair()
        with pytest.warns(RuntimeWarning, match="3"):
            found = mmkernels.mutual_knn(x, y, k=8, zero_rows="exclude")
        wanted = reference.mutual_knn(x[kept], y[kept], k=8)
        assert found == pytest.approx(wanted, abs=1e-12)

    def test_exclude_changes_nothing_where_there_is_no_zero_row(self, recwarn):
        x, y = datasets.related(120, 14, 18)
        assert mmkernels.mutual_knn(x, y, zero_rows="exclude") == mmkernels.mutual_knn(x, y)
        assert not recwarn.list

    def test_too_few_rows_left(self):
        x, y, _ = self.pair()
        x[:100] = 0
        with pytest.raises(ValueError, match="k"), pytest.warns(RuntimeWarning):
            mmkernels.mutual_knn(x, y, k=30, zero_rows="exclude")

    @pytest.mark.parametrize("metric", ["ip", "l2"])
    def test_zero_rows_are_ordinary_for_other_metrics(self, metric):
        x, y, _ = self.pair()
        found = mmkernels.mutual_knn(x, y, k=8, metric=metric)
        assert found == pytest.approx(reference.mutual_knn(x, y, k=8, metric=metric), abs=1e-12)
