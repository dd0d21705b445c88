"""Scores without the diagonal where one sample lies far outside all others."""

import warnings

import numpy as np
import pytest

import mmkernels
from mmkernels import prepare_gram

from . import datasets

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="needs an extended long double"
)


def sides(shift=1.0):
    draw = datasets.generator(0)
    x = draw.normal(size=(70, 150))
    y = x[:, :80] + draw.normal(size=(70, 80))
    x[3] *= shift
    return x, y


def matrix(x, kernel):
    x = x.astype(np.longdouble)
    if kernel == "distance":
        return np.array([np.sqrt(np.square(x - row).sum(axis=1)) for row in x])
    if kernel == "polynomial":
        return (x @ x.T / x.shape[1] + 1) ** 3
    x = x - x.mean(axis=0)
    return x @ x.T


def centred(k, estimator):
    """U-centred, or H K H less its diagonal, entry by entry in long double."""
    n = len(k)
    if estimator == "song":
        np.fill_diagonal(k, 0)
        for _ in range(2):
            rows = k.sum(axis=0)
            k = k - (rows[:, None] + rows) / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
            np.fill_diagonal(k, 0)
        return k
    k = k - k.mean(axis=0) - k.mean(axis=1, keepdims=True) + k.mean()
    np.fill_diagonal(k, 0)
    return k


def wanted(x, y, kernel, estimator):
    a, b = (centred(matrix(z, kernel), estimator) for z in (x, y))
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


@pytest.mark.parametrize("estimator", ["song", "lange"])
@pytest.mark.parametrize("shift", [1, 100, 5e3, 1e6])
@pytest.mark.parametrize("kernel", ["linear", "distance", "polynomial"])
def test_a_far_sample_costs_no_digits(kernel, shift, estimator):
    x, y = sides(shift)
    grams = [prepare_gram(z, kernel=kernel) for z in (x, y)]
    found = mmkernels.cka(*grams, estimator=estimator)
    assert found == pytest.approx(wanted(x, y, kernel, estimator), abs=2e-6)


@pytest.mark.parametrize("shift", [5e3, 1e6])
def test_bias_corrected_distance_correlation_has_them_too(shift):
    x, y = sides(shift)
    found = mmkernels.distance_correlation(x, y, unbiased=True)
    assert found == pytest.approx(wanted(x, y, "distance", "song"), abs=2e-6)
    assert mmkernels.distance_correlation(y, x, unbiased=True) == pytest.approx(found, rel=1e-12)


def test_the_far_sample_of_one_representation_leaves_the_others_alone():
    x, y = sides(5e3)
    other = datasets.gaussian(70, 90)
    scores = mmkernels.cka_matrix([x, y, other], kernel="distance")
    assert scores[0, 1] == mmkernels.cka(x, y, kernel="distance")
    assert scores[1, 2] == mmkernels.cka(y, other, kernel="distance")


def test_any_number_of_threads_gives_the_same_bits():
    x, y = sides(5e3)
    threads = mmkernels.get_num_threads()
    found = set()
    try:
        for count in (1, 2, 5):
            mmkernels.set_num_threads(count)
            found.add(float(mmkernels.distance_correlation(x, y, unbiased=True)))
    finally:
        mmkernels.set_num_threads(threads)
    assert len(found) == 1


def test_a_far_row_of_a_precomputed_matrix():
    x, y = sides(1e5)
    k, l = (-matrix(z, "distance").astype(np.float64) for z in (x, y))  # noqa: E741
    found = mmkernels.cka(k, l, kernel="precomputed")
    assert found == pytest.approx(wanted(x, y, "distance", "song"), abs=2e-6)


def test_what_is_not_constant_is_not_called_constant():
    x, y = datasets.related(60, 8, 8)
    far = x.astype(np.float64)
    far[0] = 1e40
    cases = [
        lambda: mmkernels.cka(np.eye(30), datasets.gaussian(30, 4)),
        lambda: mmkernels.cka(x, y, kernel="rbf", sigma=0.01),
        lambda: mmkernels.cka(far, y),
        lambda: streamed(far, y).compute(),
    ]
    for case in cases:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert np.isnan(case())
        text = str(caught[0].message)
        assert "constant" not in text
        assert "rounding leaves nothing" in text
        assert ("sigma = 0.01" in text) == (case is cases[1])


def streamed(x, y):
    score = mmkernels.LinearCKA()
    score.update(x, y)
    return score


@pytest.mark.parametrize("estimator", ["gretton", "song", "lange"])
@pytest.mark.parametrize(("kernel", "most"), [("rbf", 1e60), ("laplacian", 1e120)])
def test_wide_kernels_reach_their_limit(kernel, most, estimator):
    """1 - K / K_ii is then |x_i - x_j|^2, or the distance, times a constant: digits stay."""
    x, y = datasets.related(60, 8, 8)
    limit = mmkernels.cka(x, y, kernel=kernel, sigma=1e9, estimator=estimator)
    for sigma in (1e18, 1e20, 1e22, 1e24, 1e30, most):
        found = mmkernels.cka(x, y, kernel=kernel, sigma=sigma, estimator=estimator)
        assert found == pytest.approx(limit, abs=1e-6)
