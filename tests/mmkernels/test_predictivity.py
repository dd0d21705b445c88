"""linear_predictivity and linear_regression against the float64 reference and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .test_errors import refuse

RIDGES = [None, 0.0, 1e-3, 10, [1e-4, 1e-2, 1.0], (0.0, 1e-2)]


@pytest.mark.parametrize("ridge", RIDGES)
@pytest.mark.parametrize(
    ("n", "d_x", "d_y"), [(5, 1, 3), (31, 3, 7), (32, 1, 1), (129, 33, 17), (129, 3, 33)]
)
def test_sizes(n, d_x, d_y, ridge):
    x, y = datasets.related(n, d_x, d_y, dtype=np.float64)
    for folds in (3, 5, np.arange(n) % 3):
        options = {"ridge": ridge, "folds": folds}
        found = mmkernels.linear_predictivity(x, y, **options)
        wanted = reference.linear_predictivity(x, y, **options)
        assert found == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 1e-3, [1e-4, 1e-2, 1.0]])
def test_more_features_than_samples(ridge):
    x, y = datasets.related(40, 100, 6, dtype=np.float64)
    found = mmkernels.linear_predictivity(x, y, ridge=ridge)
    assert found == pytest.approx(reference.linear_predictivity(x, y, ridge=ridge), abs=1e-8)


@pytest.mark.parametrize("ridge", [0.01, 0.3])
def test_like_scikit_learn(ridge):
    linear_model = pytest.importorskip("sklearn.linear_model")
    model_selection = pytest.importorskip("sklearn.model_selection")
    x, y = datasets.related(103, 20, 9, dtype=np.float64)
    missed = total = 0.0
    for train, test in model_selection.KFold(4).split(x):
        largest = np.linalg.norm(x[train] - x[train].mean(axis=0), 2)
        model = linear_model.Ridge(alpha=ridge * largest**2).fit(x[train], y[train])
        missed += np.sum((y[test] - model.predict(x[test])) ** 2)
        total += np.sum((y[test] - y[train].mean(axis=0)) ** 2)
    found = mmkernels.linear_predictivity(x, y, ridge=ridge, folds=4)
    assert found == pytest.approx(1 - missed / total, abs=1e-10)


def test_what_it_is_for():
    x, y = datasets.related(400, 30, 20, dtype=np.float64)
    noise = datasets.gaussian(400, 20, seed=3)
    assert mmkernels.linear_predictivity(x, x @ x[:30] + 4) == pytest.approx(1, abs=1e-6)
    assert 0.5 < mmkernels.linear_predictivity(x, y) < 0.8
    assert -0.02 < mmkernels.linear_predictivity(x, noise) < 0.01
    assert mmkernels.linear_predictivity(x, noise, ridge=0) < -0.05
    # Directional: of many features few can be told, of few many cannot.
    assert mmkernels.linear_predictivity(x, x[:, :3]) > 0.999
    assert mmkernels.linear_predictivity(x[:, :3], x) < 0.6


def test_no_sample_helps_to_predict_itself():
    """Whatever is done to the samples of a fold, predictions for it come from the others."""
    x, y = datasets.related(60, 8, 3, dtype=np.float64)
    folds = np.arange(60) % 4
    x[folds == 2] = 0
    y[folds == 2] = 0
    for value in (1e3, 1e5):
        # Constant features in the fold and a target far away: predictable only by a leak.
        changed = y.copy()
        changed[folds == 2] = value
        assert mmkernels.linear_predictivity(x, changed, folds=folds) < 0.01


def test_the_penalty_is_chosen_from_those_given():
    x, y = datasets.related(100, 40, 5, noise=2.0, dtype=np.float64)
    each = {r: float(mmkernels.linear_predictivity(x, y, ridge=r)) for r in (1e-8, 1e-2, 1e3)}
    assert mmkernels.linear_predictivity(x, y, ridge=list(each)) == pytest.approx(
        max(each.values()), abs=1e-12
    )
    assert len({round(score, 3) for score in each.values()}) == 3


def test_where_all_penalties_fit_alike_the_largest_is_taken():
    """Two samples to learn from: one direction explains all, whatever it is shrunk by."""
    x, y = np.array([[0.0], [1], [2], [5]]), np.array([[1.0], [3], [2], [4]])
    wanted = mmkernels.linear_predictivity(x, y, ridge=1e3, folds=2)
    assert mmkernels.linear_predictivity(x, y, folds=2) == wanted


def test_columns_count_by_their_variance():
    x = datasets.gaussian(100, 5).astype(np.float64)
    y = np.hstack([3 * x[:, :1], datasets.gaussian(100, 1, seed=1)])
    assert mmkernels.linear_predictivity(x, y) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e20, 1e300])
@pytest.mark.parametrize("name", ["linear_predictivity", "linear_regression"])
def test_scale_and_offset_change_nothing(name, scale):
    x, y = datasets.related(129, 12, 7, dtype=np.float64)
    function = getattr(mmkernels, name)
    wanted = function(x, y)
    assert function((x + 1e4) * scale, y) == pytest.approx(wanted, abs=1e-9)
    assert function(x, (y - 1e4) * scale) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("kind", ["float16", "float32", "int8", "int64", "uint8"])
@pytest.mark.parametrize("name", ["linear_predictivity", "linear_regression"])
def test_types_and_strides(name, kind):
    x, y = datasets.related(129, 12, 7)
    x, y = ((z * 8 + 60).astype(kind) for z in (x, y))
    function = getattr(mmkernels, name)
    wanted = getattr(reference, name)(x.astype(float), y.astype(float))
    assert function(x, y) == pytest.approx(wanted, abs=1e-9)
    assert function(np.asfortranarray(x), y[::-1].copy()[::-1]) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("name", ["linear_predictivity", "linear_regression"])
def test_torch(name):
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z).to(torch.bfloat16) for z in datasets.related(129, 12, 7))
    found = getattr(mmkernels, name)(x, y)
    assert (found.dtype, found.shape) == (torch.float64, ())
    wanted = getattr(reference, name)(x.double().numpy(), y.double().numpy())
    assert float(found) == pytest.approx(wanted, abs=1e-9)
    folds = torch.arange(129) % 5
    assert mmkernels.linear_predictivity(x, y, folds=folds).shape == ()


class TestRegression:
    @pytest.mark.parametrize(("n", "d_x", "d_y"), [(5, 2, 3), (31, 3, 7), (129, 33, 17)])
    def test_sizes(self, n, d_x, d_y):
        x, y = datasets.related(n, d_x, d_y, dtype=np.float64)
        wanted = reference.linear_regression(x, y)
        assert mmkernels.linear_regression(x, y) == pytest.approx(wanted, abs=1e-12)

    def test_invertible_maps_of_x(self):
        x, y = datasets.related(129, 12, 7, dtype=np.float64)
        mapped = x @ datasets.gaussian(12, 12, seed=4) * 1e-5
        wanted = mmkernels.linear_regression(x, y)
        assert mmkernels.linear_regression(mapped, y) == pytest.approx(wanted, abs=1e-10)

    def test_as_many_dimensions_as_samples_fit_anything(self):
        x, y = datasets.gaussian(20, 30), datasets.gaussian(20, 4, seed=1)
        with pytest.warns(RuntimeWarning, match="x spans all 19 .* 1 whatever the data"):
            assert mmkernels.linear_regression(x, y) == pytest.approx(1, abs=1e-12)


class TestEdges:
    def test_a_constant_target_has_no_variance(self):
        x, constant = datasets.gaussian(40, 5), np.full((40, 3), 0.1)
        for function in (mmkernels.linear_predictivity, mmkernels.linear_regression):
            with pytest.warns(RuntimeWarning, match="^y is constant") as caught:
                assert np.isnan(function(x, constant))
            assert caught[0].filename == __file__

    def test_constant_features_predict_the_mean(self):
        y, constant = datasets.gaussian(40, 5), np.full((40, 3), 0.1)
        for ridge in RIDGES:
            assert mmkernels.linear_predictivity(constant, y, ridge=ridge) == 0
        with pytest.warns(RuntimeWarning, match="^x is constant"):
            assert np.isnan(mmkernels.linear_regression(constant, y))

    def test_wrong_input(self):
        x, y = datasets.related(20, 6, 4)
        bad = x.copy()
        bad[7, 2] = np.nan
        for function in (mmkernels.linear_predictivity, mmkernels.linear_regression):
            refuse(ValueError, ["x has NaN or infinity in row 7 ", "(20, 6)"], function, bad, y)
            refuse(ValueError, ["x and y", "(20, 6)", "(19, 4)"], function, x, y[:19])
            refuse(ValueError, ["samples", "(1, 6)"], function, x[:1], y[:1])
            refuse(TypeError, ["complex"], function, x, y.astype(complex))

    def test_wrong_options(self):
        x, y = datasets.related(20, 6, 4)
        score = mmkernels.linear_predictivity
        for ridge in (-1, np.nan, np.inf, "much", [], [1, -1], [[1.0]]):
            refuse(ValueError, ["ridge", "at least 0"], score, x, y, ridge=ridge)
        for folds in (0, 1, 21, -3):
            refuse(ValueError, ["folds", "between 2 and 20", f"{folds}."], score, x, y, folds=folds)
        refuse(TypeError, ["folds", "integer"], score, x, y, folds=2.0)
        refuse(ValueError, ["folds", "(19,)"], score, x, y, folds=np.arange(19))
        refuse(ValueError, ["folds", "float64"], score, x, y, folds=np.zeros(20))
        one = np.zeros(20, int)
        refuse(ValueError, ["folds", "at least 2 of the 20"], score, x, y, folds=one)
        one[3] = 1
        refuse(ValueError, ["folds", "at least 2 of the 20"], score, x, y, folds=one)
        refuse(ValueError, ["folds", "between 2 and 4"], score, x[:4], y[:4])
