"""Every kernel but the linear and the Gaussian one, which test_gram.py has, against float64."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmkernels
from mmkernels import reference

from . import datasets
from .gram_checks import REPEATED_ERROR, check_scores
from .test_errors import refuse
from .test_invariances import pairs, rotation

KERNELS = ["cosine", "laplacian", "distance", "polynomial"]
SHAPES = [
    (2, 1),
    (3, 3),
    (4, 33),
    (5, 1),
    (31, 3),
    (32, 33),
    (33, 3),
    (129, 1),
    (129, 33),
    (200, 5),
]
ESTIMATORS = ["gretton", "song", "lange"]
ROUNDING = 2e-6  # two computations in float32 tiles of the same score
TIGHT = settings(max_examples=15)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_sizes(n, d, kernel):
    if kernel == "cosine" and d == 1:
        return  # of length 1 there are two rows
    x, y = datasets.related(n, d, d + 2)
    check_scores(mmkernels, x, y, kernel=kernel)
    check_scores(mmkernels, y, x, kernel=kernel)


@pytest.mark.parametrize("sigma", [0.5, 5.0, 150.0, 5e5])
def test_widths_of_the_laplacian(sigma):
    x, y = datasets.related(129, 17, 20)
    check_scores(mmkernels, x, y, kernel="laplacian", sigma=sigma)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16, np.uint8])
def test_types_and_views(dtype, kernel):
    x, y = (np.abs(z * 20 + 60) for z in datasets.related(66, 10, 12))
    x, y = x.astype(dtype), y.astype(dtype)
    check_scores(mmkernels, x, y, kernel=kernel, error=REPEATED_ERROR)
    for a, b in ((x[::2, ::-1], y[::2, 3:]), (np.asfortranarray(x), y[::-1][::-1])):
        check_scores(mmkernels, a, b, kernel=kernel, error=REPEATED_ERROR)


@pytest.mark.parametrize("kernel", KERNELS)
def test_torch_tensors_of_any_precision(kernel):
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z) for z in datasets.related(50, 10, 12))
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        a, b = x.to(dtype), y.to(dtype)
        found = mmkernels.cka(a, b, kernel=kernel)
        assert isinstance(found, torch.Tensor)
        wanted = reference.cka(a.double().numpy(), b.double().numpy(), kernel=kernel)
        assert float(found) == pytest.approx(wanted, abs=2e-6)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", [name for name in datasets.AWKWARD if name != "all_equal"])
def test_awkward_data(name, kernel):
    scale = {"denormal": 2.0**140, "huge": 2.0**-100}.get(name, 1.0)
    if kernel == "polynomial" and name in ("denormal", "huge", "heavy_tailed"):
        return  # not free of scale: test_polynomial.py
    x = datasets.AWKWARD[name](129, 17)
    y = datasets.AWKWARD[name](129, 20, seed=1) + x[:, :1]
    error = {"duplicated": REPEATED_ERROR, "clustered": 1e-6}.get(name, 1e-6)
    check_scores(mmkernels, x, y, kernel=kernel, scale=scale, error=error)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
def test_a_large_common_offset_costs_no_digits(offset, kernel):
    x, y = datasets.related(150, 33, 15, dtype=np.float64)
    # Beyond that, the squares and cubes of the float64 reference are what loses them.
    offset = min(offset, 1e4) if kernel == "polynomial" else offset
    check_scores(mmkernels, x + offset, y - 3 * offset, kernel=kernel)


@pytest.mark.parametrize("kernel", ["laplacian", "distance"])
@pytest.mark.parametrize("spread", [1e-2, 1e-4, 1e-7])
def test_pairs_far_nearer_than_the_rest_keep_their_distance(spread, kernel):
    """|x|^2 + |y|^2 - 2 x.y of two rows near each other is rounding; its root is much of it."""
    draw = datasets.generator(3)
    centres = draw.standard_normal((12, 20))
    x = centres[draw.integers(12, size=150)] + spread * draw.standard_normal((150, 20))
    y = x[:, :5] + 0.1 * spread * draw.standard_normal((150, 5))
    check_scores(mmkernels, x, y, kernel=kernel, error=1e-6)
    gram = mmkernels.centered_gram(x, kernel=kernel)
    wanted = reference.centered_gram(x, kernel=kernel)
    assert np.abs(gram - wanted).max() < 3e-6 * np.abs(wanted).max()


@pytest.mark.parametrize("kernel", ["cosine", "laplacian", "distance"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_scale_does_not_matter(kernel, estimator):
    x, y = datasets.related(80, 12, 30, dtype=np.float64)
    wanted = mmkernels.cka(x, y, kernel=kernel, estimator=estimator)
    for scale in (1e-20, 1e-6, 1e20, 1e100):
        found = mmkernels.cka(x * scale, y, kernel=kernel, estimator=estimator)
        assert found == pytest.approx(wanted, abs=1e-7)
    # Powers of two change no bit.
    assert mmkernels.cka(np.ldexp(x, 70), y, kernel=kernel, estimator=estimator) == wanted


@pytest.mark.parametrize("unbiased", [False, True])
def test_a_very_wide_laplacian_becomes_the_distance(unbiased):
    x, y = datasets.related(200, 20, 12)
    wanted = reference.cka(x, y, kernel="distance", unbiased=unbiased)
    for sigma in (1e4, 1e8):
        found = mmkernels.cka(x, y, kernel="laplacian", sigma=sigma, unbiased=unbiased)
        assert found == pytest.approx(wanted, abs=2 / sigma + 1e-6)


def test_the_cosine_is_the_linear_kernel_of_unit_rows():
    x, y = datasets.related(90, 8, 5, dtype=np.float64)
    units = [z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y)]
    for estimator in ESTIMATORS:
        wanted = mmkernels.cka(*units, estimator=estimator)
        found = mmkernels.cka(x, y, kernel="cosine", estimator=estimator)
        assert found == pytest.approx(wanted, abs=1e-9)
    wide = datasets.related(40, 300, 200)  # through tiles
    check_scores(mmkernels, *wide, kernel="cosine")


@pytest.mark.parametrize("kernel", [*KERNELS, "rbf", "linear"])
class TestConstantFeatures:
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    @pytest.mark.parametrize("value", [0.1, -1e7, 1e-30])
    def test_cka_is_nan(self, value, estimator, kernel):
        constant, other = np.full((50, 7), value), datasets.gaussian(50, 8)
        for x, y in ((constant, other), (other, constant)):
            with pytest.warns(RuntimeWarning, match="constant"):
                found = mmkernels.cka(x, y, kernel=kernel, estimator=estimator)
            assert np.isnan(found)
            found = mmkernels.hsic(x, y, kernel=kernel, estimator=estimator)
            assert abs(found) < 1e-12

    def test_ordinary_features_do_not_warn(self, kernel):
        x, y = datasets.related(50, 8, 9)
        x[:, 2] = 7
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            mmkernels.cka_matrix([x, y], kernel=kernel)


def test_rows_of_one_direction_have_no_cosine_to_compare():
    lengths = datasets.generator(0).uniform(0.1, 10, (60, 1))
    x = lengths * np.array([[0.3, -1.7, 0.9]])
    for estimator in ESTIMATORS:
        with pytest.warns(RuntimeWarning, match="y is constant"):
            found = mmkernels.cka(datasets.gaussian(60, 4), x, kernel="cosine", estimator=estimator)
        assert np.isnan(found)


class TestErrors:
    def test_zero_rows_have_no_cosine(self):
        x, y = datasets.related(20, 4, 3)
        x[11] = 0
        refuse(ValueError, ["x has a zero row", "row 11", "(20, 4)"], _cosine, x, y)
        refuse(ValueError, ["y has a zero row", "row 11"], _cosine, y, x)

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_not_finite(self, kernel):
        x, y = datasets.related(20, 4, 3)
        x[7, 2] = np.nan
        refuse(ValueError, ["x has NaN", "row 7 "], mmkernels.cka, x, y, kernel=kernel)

    def test_parameters_of_other_kernels(self):
        x = datasets.gaussian(20, 4)
        prepare = mmkernels.prepare_gram
        for kernel in ("cosine", "distance", "polynomial", "precomputed"):
            refuse(ValueError, ["sigma", kernel], prepare, x, kernel=kernel, sigma=1.0)
        for name in ("degree", "offset", "gamma"):
            refuse(ValueError, [name, "rbf"], prepare, x, kernel="rbf", **{name: 2})

    def test_median_of_equal_rows_is_no_bandwidth(self):
        x = np.repeat(datasets.gaussian(2, 3), [18, 2], axis=0)
        refuse(ValueError, ["sigma", "median"], mmkernels.prepare_gram, x, kernel="laplacian")


def _cosine(x, y):
    return mmkernels.cka(x, y, kernel="cosine")


@pytest.mark.parametrize("kernel", KERNELS)
def test_threads_do_not_change_a_bit(kernel):
    x, y = datasets.related(300, 20, 12)
    x[::7] = x[0]  # pairs that are computed again
    before = mmkernels.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3):
            mmkernels.set_num_threads(threads)
            found.append([mmkernels.cka(x, y, kernel=kernel, estimator=e) for e in ESTIMATORS])
            found[-1].append(mmkernels.centered_gram(x, kernel=kernel).tobytes())
    finally:
        mmkernels.set_num_threads(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_centered_gram(dtype, kernel):
    x = (datasets.related(70, 6, 9)[0] + 3).astype(dtype)
    found = mmkernels.centered_gram(x, kernel=kernel)
    wanted = reference.centered_gram(x, kernel=kernel)
    assert found.dtype == dtype
    assert np.array_equal(found, found.T)
    assert np.abs(found - wanted).max() < 3e-6 * np.abs(wanted).max()


@given(pairs(), st.sampled_from(ESTIMATORS), st.integers(0, 99))
@TIGHT
def test_cosine_of_rows_of_any_length(pair, estimator, seed):
    x, y = pair
    options = {"kernel": "cosine", "estimator": estimator}
    wanted = mmkernels.cka(x, y, **options)
    assert wanted == pytest.approx(reference.cka(x, y, **options), abs=ROUNDING)
    lengths = datasets.generator(seed).uniform(0.01, 100, (len(x), 1))
    order = datasets.generator(seed).permutation(len(x))
    for a, b in ((x * lengths, y), (x @ rotation(x.shape[1], seed), y), (x[order], y[order])):
        assert mmkernels.cka(a, b, **options) == pytest.approx(wanted, abs=2 * ROUNDING)


@given(pairs(), st.sampled_from(["laplacian", "distance"]), st.integers(0, 99))
@TIGHT
def test_distances_of_moved_features(pair, kernel, seed):
    x, y = pair
    for estimator in ESTIMATORS:
        options = {"kernel": kernel, "estimator": estimator}
        wanted = mmkernels.cka(x, y, **options)
        assert wanted == pytest.approx(reference.cka(x, y, **options), abs=ROUNDING)
        order = datasets.generator(seed).permutation(len(x))
        rotated = x @ rotation(x.shape[1], seed)
        for a, b in ((x * -0.003, y * 7e4), (rotated, y + 100), (x[order], y[order]), (y, x)):
            assert mmkernels.cka(a, b, **options) == pytest.approx(wanted, abs=2 * ROUNDING)
