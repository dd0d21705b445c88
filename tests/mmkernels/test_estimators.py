"""The three estimators of HSIC by name."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmkernels
from mmkernels import reference

from . import datasets
from .gram_checks import Truth, check_scores
from .test_errors import refuse
from .test_invariances import pairs

ESTIMATORS = ["gretton", "song", "lange"]
KERNELS = ["linear", "cosine", "rbf", "laplacian", "distance", "polynomial"]
FUNCTIONS = {
    "hsic": mmkernels.hsic,
    "cka": mmkernels.cka,
    "cka_matrix": lambda x, y, **options: mmkernels.cka_matrix([x], [y], **options)[0, 0],
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(("n", "d"), [(4, 3), (5, 33), (33, 3), (129, 33), (129, 300)])
def test_against_the_reference(n, d, estimator, kernel):
    x, y = datasets.related(n, d, 9, dtype=np.float64)
    options = {"kernel": kernel, "estimator": estimator}
    wanted = reference.cka(x, y, **options)
    for function in (FUNCTIONS["cka"], FUNCTIONS["cka_matrix"]):
        assert function(x, y, **options) == pytest.approx(wanted, abs=1e-5)
    # Of four samples without their diagonals little is left: errors scale with what there was.
    wanted, allowed = Truth(x, y, kernel).hsic(estimator)
    assert mmkernels.hsic(x, y, **options) == pytest.approx(wanted, abs=2 * allowed)


def test_lange_is_the_sum_off_the_diagonal_of_the_centred_matrices():
    x, y = datasets.related(40, 5, 7, dtype=np.float64)
    k, l = (mmkernels.centered_gram(z) for z in (x, y))  # noqa: E741
    off = ~np.eye(40, dtype=bool)
    wanted = np.sum(k[off] * l[off]) / (40 * 37)
    assert mmkernels.hsic(x, y, estimator="lange") == pytest.approx(wanted, rel=1e-6)
    cosine = k[off] @ l[off] / np.linalg.norm(k[off]) / np.linalg.norm(l[off])
    assert mmkernels.cka(x, y, estimator="lange") == pytest.approx(cosine, abs=1e-7)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_names_for_what_unbiased_says(function):
    function = FUNCTIONS[function]
    x, y = datasets.related(60, 5, 70)
    assert function(x, y) == function(x, y, unbiased=True)
    assert function(x, y) == function(x, y, estimator="song")
    assert function(x, y, unbiased=False) == function(x, y, estimator="gretton")
    # Both may be given where they agree.
    assert function(x, y) == function(x, y, unbiased=True, estimator="song")
    biased = function(x, y, unbiased=False, estimator="gretton")
    assert function(x, y, unbiased=False) == biased
    scores = {float(function(x, y, estimator=name)) for name in ESTIMATORS}
    assert len(scores) == 3


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_refused(function):
    function = FUNCTIONS[function]
    x, y = datasets.related(20, 5, 7)
    names = ["estimator", "'gretton', 'song', 'lange'", "'unbiased'"]
    refuse(ValueError, names, function, x, y, estimator="unbiased")
    for estimator, unbiased in (
        ("gretton", True),
        ("song", False),
        ("lange", True),
        ("lange", False),
    ):
        parts = ["estimator", repr(estimator), "unbiased", repr(unbiased)]
        refuse(ValueError, parts, function, x, y, estimator=estimator, unbiased=unbiased)
    for estimator in ("song", "lange"):
        for n in (2, 3):
            parts = ["4", f"({n}, 5)"]
            refuse(ValueError, parts, function, x[:n], y[:n], estimator=estimator)
        assert np.isfinite(function(x[:4], y[:4], estimator=estimator))
    assert np.isfinite(function(x[:2], y[:2], estimator="gretton"))


def test_measures_by_name_have_their_estimator():
    x, y = datasets.related(20, 5, 7)
    call = mmkernels.measure
    assert call("cka", x, y) == mmkernels.cka(x, y, estimator="gretton")
    for named in ("gretton", "lange"):
        refuse(TypeError, ["estimator", repr(named)], call, "cka", x, y, estimator=named)


def test_a_kernel_that_is_nearly_diagonal_keeps_its_digits():
    """All but a hundred-thousandth of the sum over all pairs is on the diagonal."""
    x, y = datasets.related(64, 4000, 3000, noise=20.0, dtype=np.float64)
    for kernel in ("linear", "rbf"):
        for estimator in ("song", "lange"):
            found = mmkernels.cka(x, y, kernel=kernel, estimator=estimator)
            wanted = reference.cka(x, y, kernel=kernel, estimator=estimator)
            assert found == pytest.approx(wanted, abs=1e-4 if kernel == "rbf" else 1e-5)


def test_one_sample_far_from_all_others():
    x, y = datasets.related(130, 12, 9)
    x[17] += 1e3
    check_scores(mmkernels, x, y)


def test_bias_on_independent_features():
    """Of order d / n, nothing and of order 1 / n^2; the mean over many draws."""
    draws = datasets.generator(0).standard_normal((150, 2, 20, 10))
    mean = {
        name: np.mean([mmkernels.cka(x, y, estimator=name) for x, y in draws])
        for name in ESTIMATORS
    }
    assert mean["gretton"] > 0.3
    assert abs(mean["song"]) < 0.01
    assert 0.002 < mean["lange"] < 0.1


def test_none_is_clamped():
    scores = {name: [] for name in ESTIMATORS}
    for seed in range(15):
        x, y = datasets.gaussian(60, 3, seed), datasets.gaussian(60, 2, seed + 99)
        for name, found in scores.items():
            found.append(float(mmkernels.hsic(x, y, estimator=name)))
    assert min(scores["song"]) < 0 < max(scores["song"])
    assert min(scores["lange"]) < 0 < max(scores["lange"])
    assert min(scores["gretton"]) > 0  # of centred positive definite kernels, never below 0


def test_rows_at_one_distance():
    """Off the diagonal K is constant: no unbiased score, but H K H is not constant there."""
    x, y = np.eye(30), datasets.gaussian(30, 4)
    with pytest.warns(RuntimeWarning, match="samples of x .* equally alike"):
        assert np.isnan(mmkernels.cka(x, y, estimator="song"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for estimator in ("gretton", "lange"):
            found = mmkernels.cka(x, y, estimator=estimator)
            wanted = reference.cka(x, y, estimator=estimator)
            assert found == pytest.approx(wanted, abs=1e-6)


@given(pairs(), st.sampled_from(KERNELS))
@settings(max_examples=20)
def test_a_cosine_cannot_leave_its_range(pair, kernel):
    """Gretton's and Lange's are inner products of matrices; Song's ratio is one too."""
    x, y = pair
    for estimator in ESTIMATORS:
        assert abs(mmkernels.cka(x, y, kernel=kernel, estimator=estimator)) <= 1 + 1e-5
        assert mmkernels.cka(x, x, kernel=kernel, estimator=estimator) == 1
