"""distance_correlation against its definition and against another implementation's numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmkernels
from mmkernels import reference

from . import datasets
from .test_errors import refuse
from .test_invariances import pairs, rotation
from .test_published_numbers import recipe

# dcor 0.7: distance_correlation, u_distance_correlation_sqr of (A, B) and (A, C).
PUBLISHED = {False: (0.851047433, 0.381735557), True: (0.695586757, 0.000811695)}


@pytest.mark.parametrize("unbiased", [False, True])
def test_published(unbiased):
    a, b, c = recipe()
    for other, wanted in zip((b, c), PUBLISHED[unbiased], strict=True):
        found = mmkernels.distance_correlation(a, other, unbiased=unbiased)
        assert found == pytest.approx(wanted, abs=1e-7)
        found = reference.distance_correlation(a, other, unbiased=unbiased)
        assert found == pytest.approx(wanted, abs=2e-9)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("d", [1, 3, 33])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 31, 32, 33, 129])
def test_sizes(n, d, unbiased):
    if unbiased and n < 4:
        return
    x, y = datasets.related(n, d, 5, dtype=np.float64)
    for a, b in ((x, y), (y, x), (x + 1e4, y - 1e4)):
        found = mmkernels.distance_correlation(a, b, unbiased=unbiased)
        wanted = reference.distance_correlation(a, b, unbiased=unbiased)
        assert found == pytest.approx(wanted, abs=3e-6)


def test_it_is_the_cka_of_minus_the_distance():
    x, y = datasets.related(70, 5, 9)
    biased = mmkernels.cka(x, y, kernel="distance", unbiased=False)
    assert mmkernels.distance_correlation(x, y) == np.sqrt(biased)
    unbiased = mmkernels.cka(x, y, kernel="distance", unbiased=True)
    assert mmkernels.distance_correlation(x, y, unbiased=True) == unbiased
    assert mmkernels.measure("distance_correlation", x, y) == np.sqrt(biased)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.uint8])
def test_types_and_views(dtype):
    x, y = (np.abs(z * 20 + 60).astype(dtype) for z in datasets.related(66, 10, 12))
    for a, b in ((x, y), (x[::2, ::-1], y[::2, 3:])):
        found = mmkernels.distance_correlation(a, b)
        assert isinstance(found, np.float64)
        assert found == pytest.approx(reference.distance_correlation(a, b), abs=1e-6)


def test_bfloat16_tensors():
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z).bfloat16() for z in datasets.related(40, 5, 7))
    found = mmkernels.distance_correlation(x, y)
    wanted = reference.distance_correlation(x.double().numpy(), y.double().numpy())
    assert isinstance(found, torch.Tensor)
    assert float(found) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    "name", ["clustered", "duplicated", "heavy_tailed", "far_from_origin", "denormal", "huge"]
)
def test_hostile_values(name):
    scale = {"denormal": 2.0**140, "huge": 2.0**-100}.get(name, 1.0)
    x, y = (datasets.AWKWARD[name](129, d, seed) for d, seed in ((7, 0), (5, 1)))
    y = y + x[:, :1]
    wide = (np.asarray(z, np.float64) * scale for z in (x, y))
    found = mmkernels.distance_correlation(x, y)
    assert found == pytest.approx(reference.distance_correlation(*wide), abs=2e-6)


@pytest.mark.parametrize("unbiased", [False, True])
def test_prepared(unbiased):
    x, y = datasets.related(70, 5, 9)
    wanted = mmkernels.distance_correlation(x, y, unbiased=unbiased)
    prepared = mmkernels.prepare_gram(x, kernel="distance")
    assert mmkernels.distance_correlation(prepared, y, unbiased=unbiased) == wanted
    wrong = mmkernels.prepare_gram(x, kernel="rbf")
    refuse(ValueError, ["x", "rbf", "'distance'"], mmkernels.distance_correlation, wrong, y)


def test_it_sees_what_no_linear_score_sees():
    x = np.linspace(-1, 1, 201)[:, None]
    y = x**2
    assert abs(mmkernels.cka(x, y)) < 0.01
    assert mmkernels.distance_correlation(x, y) > 0.4
    assert mmkernels.distance_correlation(x, y, unbiased=True) > 0.2


def test_the_biased_score_of_wide_noise_is_near_one_and_the_unbiased_one_is_not():
    """Szekely and Rizzo 2013: why there is a correction."""
    draw = datasets.generator(0)
    x, y = draw.standard_normal((2, 50, 3000))
    assert mmkernels.distance_correlation(x, y) > 0.98
    assert abs(mmkernels.distance_correlation(x, y, unbiased=True)) < 0.1


def test_the_unbiased_score_may_be_negative():
    scores = [
        float(mmkernels.distance_correlation(*draw, unbiased=True))
        for draw in datasets.generator(0).standard_normal((20, 2, 40, 3))
    ]
    assert min(scores) < 0 < max(scores)
    assert abs(np.mean(scores)) < 0.05


def test_the_biased_score_of_independent_factors_is_zero():
    """Every x with every y: the exact square is 0, and its rounding may fall on either side."""
    x, y = (z.reshape(-1, 1).astype(float) ** 2 for z in np.mgrid[:9, :13])
    found = mmkernels.distance_correlation(x, y)
    assert 0 <= found < 1e-3


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e7])
def test_constant_features_are_nan(value, unbiased):
    x, constant = datasets.gaussian(30, 4), np.full((30, 3), value)
    for a, b, name in ((x, constant, "y"), (constant, x, "x")):
        with pytest.warns(RuntimeWarning, match=f"{name} is constant.*distance correlation"):
            assert np.isnan(mmkernels.distance_correlation(a, b, unbiased=unbiased))


def test_the_warning_is_for_the_caller():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mmkernels.distance_correlation(datasets.gaussian(30, 4), np.ones((30, 3)))
    assert [w.filename for w in caught] == [__file__]


def test_what_is_refused():
    x, y = datasets.related(20, 4, 3)
    call = mmkernels.distance_correlation
    refuse(ValueError, ["x and y", "(20, 4)", "(19, 3)"], call, x, y[:19])
    refuse(ValueError, ["x", "(1, 4)"], call, x[:1], y[:1])
    refuse(ValueError, ["unbiased", "4", "(3, 4)"], call, x[:3], y[:3], unbiased=True)
    y[5, 1] = np.inf
    refuse(ValueError, ["y has NaN or infinity in row 5 "], call, x, y)


@given(pairs(), st.booleans(), st.integers(0, 99))
@settings(max_examples=20)
def test_rotated_moved_scaled_and_reordered_features(pair, unbiased, seed):
    x, y = pair
    wanted = mmkernels.distance_correlation(x, y, unbiased=unbiased)
    order = datasets.generator(seed).permutation(len(x))
    rotated = x @ rotation(x.shape[1], seed)
    for a, b in ((rotated, y), (x * -1e-20, y * 1e20 + 3), (x[order], y[order]), (y, x)):
        found = mmkernels.distance_correlation(a, b, unbiased=unbiased)
        assert found == pytest.approx(wanted, abs=4e-6)
    assert mmkernels.distance_correlation(x, 3 - rotated) == pytest.approx(1, abs=1e-6)
