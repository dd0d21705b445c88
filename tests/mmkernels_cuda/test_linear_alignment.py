"""Linear HSIC and CKA on the device by products of features, beside float64."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference
from mmkernels.cuda import _linear

ESTIMATORS = ["gretton", "song", "lange"]


@pytest.fixture(autouse=True)
def by_features(monkeypatch, request):
    if "choice" not in request.node.name:
        monkeypatch.setattr(_linear, "_are_cheaper", lambda *_: True)


def related(n, *widths, seed=0):
    generator = np.random.default_rng(seed)
    shared = generator.normal(size=(n, 3))
    return [shared @ generator.normal(size=(3, d)) + generator.normal(1, 1, (n, d)) for d in widths]


@pytest.mark.parametrize("score", ["hsic", "cka"])
@pytest.mark.parametrize("kernel", ["linear", "cosine"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_score(device, score, kernel, estimator):
    x, y = (side.astype(np.float32) for side in related(50, 9, 5))
    options = {"kernel": kernel, "estimator": estimator}
    found = device.host(getattr(mmkernels, score)(device.array(x), device.array(y), **options))
    assert found.shape == ()
    wanted = getattr(reference, score)(x.astype(float), y.astype(float), **options)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("type_name", ["float16", "bfloat16", "float64", "int32"])
def test_types(device, type_name):
    x, y = (np.round(4 * side) for side in related(40, 4, 3))
    found = mmkernels.cka(
        device.array(x.astype(np.float32), type_name), device.array(y.astype(np.float32), type_name)
    )
    np.testing.assert_allclose(device.host(found), mmkernels.cka(x, y), rtol=1e-6)


@pytest.mark.parametrize(("precision", "error"), [("fast", 2e-2), ("high", 2e-5)])
def test_precision(device, precision, error):
    x, y = related(60, 8, 5)
    found = mmkernels.cuda.cka(device.array(x), device.array(y), precision=precision)
    wanted = mmkernels.cka(x, y)
    np.testing.assert_allclose(device.host(found), wanted, rtol=error)
    assert device.host(found) != wanted
    with pytest.raises(ValueError, match="precision must be one of"):
        mmkernels.cuda.cka(device.array(x), device.array(y), precision="tf32")


def test_matrix(device):
    sides = related(40, 4, 7, 3, seed=4)
    on_device = [device.array(side) for side in sides]
    found = device.host(mmkernels.cka_matrix(on_device))
    np.testing.assert_allclose(found, mmkernels.cka_matrix(sides), rtol=1e-6)
    assert (found.diagonal() == 1).all()
    found = device.host(mmkernels.cka_matrix(on_device[:1], on_device[1:]))
    np.testing.assert_allclose(found, mmkernels.cka_matrix(sides[:1], sides[1:]), rtol=1e-6)


def test_the_choice_of_the_cheaper_way():
    cheaper = _linear._are_cheaper
    assert cheaper("cka", [(65536, 1024)] * 2, 1)
    assert not cheaper("cka", [(1000, 1024)] * 2, 1)
    # Of many sets, pairs are many: kernel matrices are multiplied once for each set.
    assert cheaper("cka", [(65536, 1024)] * 32, 32)
    assert not cheaper("cka", [(65536, 4096)] * 32, 32)
    assert cheaper("cka", [(65536, 4096)] * 3, 1)


def test_prepared_matrices(device):
    x, y = related(30, 4, 3)
    grams = [mmkernels.prepare_gram(device.array(z), kernel="cosine") for z in (x, y)]
    wanted = mmkernels.cka(x, y, kernel="cosine")
    np.testing.assert_allclose(device.host(mmkernels.cka(*grams)), wanted, rtol=1e-6)


def test_sets_that_are_there_twice(device):
    x, y = related(30, 4, 3)
    one, other = device.array(x), device.array(y)
    found = device.host(mmkernels.cka_matrix([one, other], [other, one]))
    np.testing.assert_allclose(found, mmkernels.cka_matrix([x, y], [y, x]), rtol=1e-6)
    found = device.host(mmkernels.cka_matrix([one, other], [one, other]))
    assert (found.diagonal() == 1).all()
    assert device.host(mmkernels.cka_matrix([one])).shape == (1, 1)


def test_with_itself(device):
    x = related(30, 5)[0]
    on_device = device.array(x)
    assert device.host(mmkernels.cka(on_device, on_device)) == 1
    found = device.host(mmkernels.hsic(on_device, on_device))
    np.testing.assert_allclose(found, mmkernels.hsic(x, x), rtol=1e-6)


def test_one_sample_that_outweighs_all_others(device):
    x, y = related(30, 4, 3)
    x[7], y[7] = 1e3, -2e3
    found = mmkernels.cka(device.array(x), device.array(y))
    np.testing.assert_allclose(device.host(found), reference.cka(x, y), rtol=1e-5)


def test_constant_and_unusable_sides_make_nan(device):
    x, y = related(30, 4, 3)
    assert np.isnan(
        device.host(mmkernels.cka(device.array(x), device.array(np.full((30, 2), 0.1))))
    )
    y[29, 1] = np.inf
    for score in (mmkernels.hsic, mmkernels.cka):
        assert np.isnan(device.host(score(device.array(x), device.array(y))))


def test_errors_name_the_argument(device):
    x, y = map(device.array, related(3, 2, 2))
    with pytest.raises(ValueError, match="at least 4 samples"):
        mmkernels.cka(x, y)
    with pytest.raises(ValueError, match="same number of samples"):
        mmkernels.cka(x, device.array(related(5, 2)[0]))
    with pytest.raises(ValueError, match="pass one of the two"):
        mmkernels.hsic(x, y, unbiased=True, estimator="gretton")
