"""hsic, cka and centered_gram against the float64 reference."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .gram_checks import check_scores

KERNELS = [("linear", None), ("rbf", None), ("rbf", "median"), ("rbf", 3.0)]


@pytest.mark.parametrize(("n", "d"), datasets.SHAPES)
def test_sizes_linear(n, d):
    x, y = datasets.related(n, d, max(1, d // 3))
    assert check_scores(mmkernels, x, y) < 1e-5
    check_scores(mmkernels, y, x)


@pytest.mark.parametrize(("n", "d"), datasets.SHAPES)
@pytest.mark.parametrize("bandwidth", [0.5, 1, 4])
def test_sizes_rbf(n, d, bandwidth):
    x, y = datasets.related(n, d, max(1, d // 3))
    width = reference.median_distance(x[:40]) * bandwidth
    assert check_scores(mmkernels, x, y, kernel="rbf", sigma=width) < 1e-5


@pytest.mark.parametrize(("n", "d"), datasets.SHAPES)
def test_sizes_median(n, d):
    x, y = datasets.related(n, d, max(1, d // 3))
    assert check_scores(mmkernels, x, y, kernel="rbf", sigma="median") < 1e-5


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("name", [name for name in datasets.AWKWARD if name != "all_equal"])
@pytest.mark.parametrize(("n", "d"), [(129, 17), (127, 300), (400, 33)])
def test_awkward_data(name, n, d, kernel):
    x = datasets.AWKWARD[name](n, d)
    y = datasets.AWKWARD[name](n, d + 3, seed=1) + x[:, :1]
    scale = {"denormal": 2.0**140, "huge": 2.0**-100}.get(name, 1.0)
    check_scores(mmkernels, x, y, kernel=kernel, scale=scale)


@pytest.mark.parametrize(("kernel", "sigma"), KERNELS)
@pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("d", [20, 400])
def test_a_large_common_offset_costs_no_digits(offset, d, kernel, sigma):
    x, y = datasets.related(200, d, 15, dtype=np.float64)
    check_scores(mmkernels, x + offset, y - 3 * offset, kernel=kernel, sigma=sigma)


@pytest.mark.parametrize("distance", [1e2, 1e4, 1e6])
def test_a_sample_far_from_all_others_costs_no_digits(distance):
    """It moves the mean of the features far from everyone."""
    x, y = datasets.related(130, 40, 15)
    x[17] += np.float32(distance)
    width = reference.median_distance(x)
    for sigma in (width, 2 * width):
        check_scores(mmkernels, x, y, kernel="rbf", sigma=sigma)
    check_scores(mmkernels, x, y)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("d", [40, 300])
def test_many_samples(d, kernel):
    x, y = datasets.related(900, d, 70)
    sigma = 12.0 if kernel == "rbf" else None
    assert check_scores(mmkernels, x, y, kernel=kernel, sigma=sigma) < 1e-5


@pytest.mark.parametrize("sigma", [0.003, 0.03, 0.3, 1.0, 4.5])
def test_a_bandwidth_far_below_the_spread(sigma):
    """Only rows of the same cluster are alike, at a ten-thousandth of the clusters' distance."""
    x, y = datasets.clustered(129, 17), datasets.clustered(129, 20, seed=1)
    check_scores(mmkernels, x, y, kernel="rbf", sigma=sigma)


def test_features_of_very_different_scales():
    x, y = datasets.related(150, 12, 9, dtype=np.float64)
    x *= 10.0 ** np.arange(-6, 6)
    for kernel in ("linear", "rbf"):
        check_scores(mmkernels, x, y, kernel=kernel)


@pytest.mark.parametrize("exponent", [-400, -120, 120, 400])
def test_linear_cka_does_not_depend_on_the_scale(exponent):
    x, y = datasets.related(100, 12, 30, dtype=np.float64)
    for unbiased in (False, True):
        wanted = mmkernels.cka(x, y, unbiased=unbiased)
        assert mmkernels.cka(np.ldexp(x, exponent), y, unbiased=unbiased) == wanted
        wanted = mmkernels.cka(x, y, kernel="rbf", unbiased=unbiased)
        found = mmkernels.cka(np.ldexp(x, exponent), y, kernel="rbf", unbiased=unbiased)
        assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("sigma", [1e4, 1e6, 1e8])
def test_a_very_wide_rbf_kernel_becomes_linear(sigma, unbiased):
    """exp(-t) - 1 goes to -t, and centring leaves of squared distances the inner products."""
    x, y = datasets.related(300, 20, 12)
    wanted = reference.cka(x, y, unbiased=unbiased)
    found = mmkernels.cka(x, y, kernel="rbf", sigma=sigma, unbiased=unbiased)
    assert found == pytest.approx(wanted, abs=1e-6)


def test_a_very_narrow_rbf_kernel_has_nothing_to_say():
    x, y = datasets.gaussian(50, 40), datasets.gaussian(50, 30, seed=1)
    assert mmkernels.cka(x, y, kernel="rbf", sigma=1e-3, unbiased=False) == pytest.approx(1)
    with pytest.warns(RuntimeWarning):
        assert np.isnan(mmkernels.cka(x, y, kernel="rbf", sigma=1e-3))


@pytest.mark.parametrize("n", [2, 3, 5, 64, 200, 201])
def test_median_is_the_median_of_all_distances(n):
    """The bandwidth itself cannot be seen, but a score with the true one given as a number can."""
    for name in ("gaussian", "clustered", "heavy_tailed", "far_from_origin", "hubs"):
        x = datasets.AWKWARD[name](n, 13)
        y = datasets.gaussian(n, 13, seed=8)
        width = reference.median_distance(x)
        by_number = mmkernels.hsic(x, y, kernel="rbf", sigma=width, unbiased=False)
        prepared = mmkernels.prepare_gram(x, kernel="rbf", sigma="median")
        other = mmkernels.prepare_gram(y, kernel="rbf", sigma=width)
        by_name = mmkernels.hsic(prepared, other, unbiased=False)
        assert by_name == pytest.approx(by_number, rel=1e-5), name


@pytest.mark.parametrize(("kernel", "sigma"), KERNELS)
@pytest.mark.parametrize(("n", "d"), [(2, 3), (33, 17), (129, 200), (300, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_centered_gram(dtype, n, d, kernel, sigma):
    x = (datasets.related(n, d, 4)[0] + 50).astype(dtype)
    found = mmkernels.centered_gram(x, kernel=kernel, sigma=sigma)
    wanted = reference.centered_gram(x, kernel=kernel, sigma=sigma)
    largest = np.abs(wanted).max()
    assert found.shape == (n, n)
    assert found.dtype == dtype
    assert np.abs(found - wanted).max() <= 2e-6 * largest
    assert np.array_equal(found, found.T)
    rounding = np.finfo(dtype).eps
    assert np.abs(found.sum(axis=0, dtype=np.float64)).max() <= 2 * n * rounding * largest


@pytest.mark.parametrize(("kernel", "sigma"), KERNELS)
@pytest.mark.parametrize("unbiased", [False, True])
def test_prepared_grams_stand_for_their_array(kernel, sigma, unbiased):
    x, y = datasets.related(140, 24, 200)
    wanted = mmkernels.cka(x, y, kernel=kernel, sigma=sigma, unbiased=unbiased)
    options = {"kernel": kernel, "sigma": sigma}
    in_x, in_y = (mmkernels.prepare_gram(z, **options) for z in (x, y))
    assert isinstance(in_x, mmkernels.Gram)
    for a, b in ((in_x, in_y), (in_x, y), (x, in_y)):
        assert mmkernels.cka(a, b, unbiased=unbiased, **options) == wanted
    wanted = mmkernels.hsic(x, y, unbiased=unbiased, **options)
    assert mmkernels.hsic(in_x, in_y, unbiased=unbiased, **options) == wanted


@pytest.mark.parametrize(("kernel", "sigma"), KERNELS)
@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("n", [60, 260])
def test_matrix(n, kernel, sigma, unbiased):
    x, y = datasets.related(n, 20, 130)
    xs = [x, y, datasets.gaussian(n, 5, seed=9)]
    ys = [y.astype(np.float64) + 1e3, x[:, ::-1]]
    options = {"kernel": kernel, "sigma": sigma, "unbiased": unbiased}
    found = mmkernels.cka_matrix(xs, ys, **options)
    assert found.shape == (3, 2)
    assert found.dtype == np.float64
    assert np.allclose(found, reference.cka_matrix(xs, ys, **options), rtol=0, atol=5e-6)

    square = mmkernels.cka_matrix(xs, **options)
    assert np.array_equal(square, square.T)
    assert np.allclose(np.diag(square), 1, rtol=0, atol=1e-12)
    assert np.allclose(square, reference.cka_matrix(xs, **options), rtol=0, atol=5e-6)

    prepared = [mmkernels.prepare_gram(z, kernel=kernel, sigma=sigma) for z in xs]
    assert np.array_equal(mmkernels.cka_matrix(prepared, **options), square)


def test_the_unbiased_score_may_be_negative():
    scores = [
        mmkernels.cka(datasets.gaussian(40, 30, s), datasets.gaussian(40, 30, s + 99))
        for s in range(12)
    ]
    assert min(scores) < 0 < max(scores)
    assert abs(np.mean(scores)) < 0.05


class TestConstantFeatures:
    """0/0 is NaN with a warning; rounding noise over rounding noise would be a plausible lie."""

    @pytest.mark.parametrize("value", [0.0, 0.1, -1e7, 1e-30])
    @pytest.mark.parametrize("unbiased", [False, True])
    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    @pytest.mark.parametrize("d", [3, 200])
    def test_cka_is_nan(self, value, unbiased, kernel, d):
        constant = np.full((50, d), value, np.float32)
        other = datasets.gaussian(50, 8)
        sigma = 1.0 if kernel == "rbf" else None
        options = {"kernel": kernel, "sigma": sigma, "unbiased": unbiased}
        for x, y in ((constant, other), (other, constant), (constant, constant)):
            with pytest.warns(RuntimeWarning, match="constant"):
                assert np.isnan(mmkernels.cka(x, y, **options))
            assert mmkernels.hsic(x, y, **options) == 0

    def test_matrix_has_nan_in_that_row_and_column_only(self):
        x, y = datasets.related(50, 8, 9)
        with pytest.warns(RuntimeWarning, match="constant"):
            found = mmkernels.cka_matrix([x, np.ones((50, 3)), y])
        wanted = np.zeros((3, 3), bool)
        wanted[1], wanted[:, 1] = True, True
        assert np.array_equal(np.isnan(found), wanted)

    def test_equidistant_rows_have_no_unbiased_score(self):
        """Off the diagonal their kernel matrix is constant: one-hot rows of distinct samples."""
        for n in (8, 50):
            with pytest.warns(RuntimeWarning):
                found = mmkernels.cka(np.eye(n), datasets.gaussian(n, 8))
            assert np.isnan(found)

    def test_ordinary_features_do_not_warn(self):
        x, y = datasets.related(50, 8, 9)
        x[:, 2] = 7  # one constant feature among others is ordinary
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_scores(mmkernels, x, y)
