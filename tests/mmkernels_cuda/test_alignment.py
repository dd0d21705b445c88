"""HSIC, CKA and kernel matrices on the device: those of float64, whatever the kernel."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

ESTIMATORS = ["gretton", "song", "lange"]
KERNELS = [
    {"kernel": "linear"},
    {"kernel": "cosine"},
    {"kernel": "rbf"},
    {"kernel": "rbf", "sigma": 2.0},
    {"kernel": "laplacian"},
    {"kernel": "distance"},
]


def normal(rows, columns, seed=0, offset=0.0):
    return np.random.default_rng(seed).normal(offset, 1, (rows, columns)).astype(np.float32)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize(("rows", "columns"), [(5, 3), (131, 6)])
def test_scores_are_those_of_float64(device, kernel, rows, columns):
    x, y = normal(rows, columns, 0, 3), normal(rows, columns + 2, 1)
    x[:, 0] += y[:, 0]
    on_device = device.array(x), device.array(y)
    for estimator in ESTIMATORS:
        wanted = reference.cka(x, y, estimator=estimator, **kernel)
        found = mmkernels.cka(*on_device, estimator=estimator, **kernel)
        assert device.host(found).dtype == np.float64
        assert float(found) == pytest.approx(wanted, abs=1e-6)
        own = [reference.hsic(z, z, estimator=estimator, **kernel) for z in (x, y)]
        wanted = reference.hsic(x, y, estimator=estimator, **kernel)
        found = mmkernels.hsic(*on_device, estimator=estimator, **kernel)
        assert float(found) == pytest.approx(wanted, abs=1e-6 * np.sqrt(own[0] * own[1]))


@pytest.mark.parametrize("kernel", [*KERNELS, {"kernel": "polynomial"}], ids=str)
def test_prepared_matrices(device, kernel):
    x, y = normal(50, 5), normal(50, 4, 1)
    left, right = (mmkernels.prepare_gram(device.array(z), **kernel) for z in (x, y))
    wanted = mmkernels.cka(*(mmkernels.prepare_gram(z, **kernel) for z in (x, y)))
    assert float(mmkernels.cka(left, right)) == pytest.approx(float(wanted), abs=1e-6)
    assert float(mmkernels.cka(left, left)) == 1
    assert left.shape == (50, 5)


def test_bandwidths(device):
    x = normal(131, 5)
    gram = mmkernels.prepare_gram(device.array(x), kernel="rbf")
    assert float(gram.sigma) == pytest.approx(reference.median_distance(x), rel=3e-7)
    assert mmkernels.prepare_gram(device.array(x), kernel="laplacian", sigma=3).sigma == 3
    assert mmkernels.prepare_gram(device.array(x)).sigma is None


@pytest.mark.parametrize(("precision", "tolerance"), [("high", 2e-5), ("fast", 5e-3)])
def test_precisions(device, precision, tolerance):
    x, y = normal(60, 40), normal(60, 33, 1)
    for kernel in ("linear", "rbf"):
        found = mmkernels.cka(device.array(x), device.array(y), kernel=kernel, precision=precision)
        wanted = reference.cka(x, y, kernel=kernel)
        assert float(found) == pytest.approx(wanted, abs=tolerance)
        assert float(found) != pytest.approx(wanted, abs=1e-9)


def test_matrix(device):
    xs = [normal(40, d, d) for d in (3, 5, 8)]
    arrays = [device.array(x) for x in xs]
    found = device.host(mmkernels.cka_matrix(arrays, kernel="rbf"))
    np.testing.assert_allclose(found, reference.cka_matrix(xs, kernel="rbf"), atol=1e-6)
    assert (found.diagonal() == 1).all()
    assert (found == found.T).all()
    part = device.host(mmkernels.cka_matrix(arrays[1:], arrays, kernel="rbf"))
    np.testing.assert_array_equal(part, found[1:])


@pytest.mark.parametrize(("given", "result"), [("float16", "float32"), ("float64", "float64")])
def test_centered_gram(device, given, result):
    x = normal(131, 5).astype(given)
    for kernel in KERNELS:
        found = device.host(mmkernels.centered_gram(device.array(x), **kernel))
        wanted = reference.centered_gram(x, **kernel)
        assert found.dtype == result
        np.testing.assert_allclose(found, wanted, atol=1e-6 * np.abs(wanted).max())


def test_what_has_no_score_is_nan(device):
    x, broken = normal(20, 3), normal(20, 3, 1)
    broken[3, 1] = np.nan
    x, broken = device.array(x), device.array(broken)
    constant = device.array(np.ones((20, 3), np.float32))
    for kernel in ("linear", "rbf", "distance"):
        assert np.isnan(float(mmkernels.hsic(x, broken, kernel=kernel)))
        assert np.isnan(float(mmkernels.cka(broken, x, kernel=kernel)))
        assert np.isnan(float(mmkernels.cka(x, constant, kernel=kernel)))
        assert float(mmkernels.hsic(x, constant, kernel=kernel)) == 0
        assert np.isnan(device.host(mmkernels.centered_gram(broken, kernel=kernel))).all()
        scores = device.host(mmkernels.cka_matrix([x, constant, broken], kernel=kernel))
        assert np.isnan(scores).tolist() == [[False, True, True], [True] * 3, [True] * 3]


def test_errors_name_the_argument(device):
    x, y = device.array(normal(20, 3)), device.array(normal(19, 3))
    with pytest.raises(ValueError, match=r"\(20, 3\).*\(19, 3\)"):
        mmkernels.cka(x, y)
    with pytest.raises(ValueError, match="precision must be one of"):
        mmkernels.cka(x, x, precision="double")
    with pytest.raises(ValueError, match="y is in host memory"):
        mmkernels.hsic(x, normal(20, 3))
    with pytest.raises(ValueError, match="needs at least 4 samples; x has shape"):
        mmkernels.cka(device.array(normal(3, 3)), device.array(normal(3, 3)))
    with pytest.raises(ValueError, match="'precomputed' is computed on the CPU"):
        mmkernels.cka(x, x, kernel="precomputed")
    with pytest.raises(ValueError, match="prepare them alike"):
        mmkernels.cka(x, mmkernels.prepare_gram(x, precision="fast"))
    with pytest.raises(ValueError, match="at least one representation"):
        mmkernels.cka_matrix([x], [])
