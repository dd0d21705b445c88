"""Wrong scores that other implementations have been seen to give, each once.

What a name says is the right behaviour; the docstring says what was found elsewhere.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .test_errors import refuse


def views(n=200, scale=1.0):
    return (z * scale for z in datasets.related(n, 16, 24, dtype=np.float64))


@pytest.mark.parametrize("scale", [1e-20, 0.01, 1e20])
@pytest.mark.parametrize("unbiased", [False, True])
def test_no_epsilon_in_the_denominator(scale, unbiased):
    """1e-6 added to it: unbiased CKA of x and x is 0.563 where x is scaled by 0.01."""
    x, y = views()
    wanted = mmkernels.cka(x, y, unbiased=unbiased)
    assert mmkernels.cka(x * scale, y * scale, unbiased=unbiased) == pytest.approx(wanted, abs=1e-7)
    x = x[:, :8] * scale
    assert mmkernels.cka(x, x.copy(), unbiased=unbiased) == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize("scale", [0.1, 0.03, 0.01, 1e-10])
def test_no_epsilon_inside_the_root(scale):
    """sqrt(self_x self_y + 1e-4): CKA of x and x is 0.79, 0.011, 0.00013 at these scales."""
    x = datasets.gaussian(100, 8).astype(np.float64) * scale
    for estimator in ("gretton", "song", "lange"):
        found = mmkernels.cka(x, x.copy(), estimator=estimator)
        assert found == pytest.approx(1, abs=1e-7)


def test_two_ways_to_the_same_score_agree():
    """One option chose biased HSIC, the other U-centred norms: 0.871 and 0.013 of one input."""
    x, y = datasets.generator(0).standard_normal((2, 250, 50))
    # The same products of rows, in more features than samples.
    turned = np.linalg.qr(datasets.generator(1).standard_normal((900, 50)))[0].T
    wanted = reference.cka(x, y)
    by_features = mmkernels.cka(x, y)
    by_tiles = mmkernels.cka(x @ turned, y @ turned)
    precomputed = mmkernels.cka(*(reference.gram(z) for z in (x, y)), kernel="precomputed")
    for found in (by_features, by_tiles, precomputed):
        assert found == pytest.approx(wanted, abs=1e-6)
    assert abs(wanted) < 0.02 < 0.1 < mmkernels.cka(x, y, unbiased=False)


@pytest.mark.parametrize("offset", [10, 100, 1000, 10000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_offset_of_the_features_changes_nothing(offset, dtype):
    """Song's three terms of uncentred float32 Grams: 0.242, 0 and 0 at 10, 100 and 1000."""
    x, y = (z.astype(dtype) for z in views())
    moved = [z + dtype(offset) for z in (x, y)]
    for estimator in ("gretton", "song", "lange"):
        wanted = reference.cka(*moved, estimator=estimator)
        assert mmkernels.cka(*moved, estimator=estimator) == pytest.approx(wanted, abs=1e-6)
    assert wanted == pytest.approx(reference.cka(x, y, estimator="lange"), abs=0.01)


def test_a_negative_score_is_not_clamped():
    """At 0 (and at 1): the mean over unrelated pairs is then above 0, and collapse looks alike."""
    draws = datasets.generator(0).standard_normal((60, 2, 30, 5))
    for function in (mmkernels.hsic, mmkernels.cka):
        scores = np.array([float(function(x, y)) for x, y in draws])
        assert (scores < 0).any()
        assert abs(scores.mean()) < 2.5 * scores.std() / np.sqrt(len(scores))


def test_the_third_estimator_has_its_own_name():
    """The off-diagonal inner product of centred matrices was called the unbiased HSIC."""
    x, y = datasets.generator(0).standard_normal((2, 12, 40))
    lange = mmkernels.cka(x, y, estimator="lange")
    song = mmkernels.cka(x, y, unbiased=True)
    assert lange == pytest.approx(reference.cka(x, y, estimator="lange"), abs=1e-6)
    assert abs(lange - song) > 0.1
    assert song == mmkernels.cka(x, y, estimator="song")


@pytest.mark.parametrize("estimator", ["song", "lange"])
def test_numerator_and_denominator_are_of_one_estimator(estimator):
    """Biased self terms under an unbiased numerator: the CKA of x with a copy of x was not 1."""
    x = datasets.gaussian(30, 50)
    assert mmkernels.cka(x, x.copy(), estimator=estimator) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("estimator", ["gretton", "song", "lange"])
@pytest.mark.parametrize("value", [0.1, 1 / 3, -1e7])
def test_constant_features_are_not_noise_over_noise(value, estimator):
    """0.338 and 0.028 of means that are off by a rounding, with a normalisation that hides it."""
    constant, x = np.full((50, 8), value), datasets.gaussian(50, 8)
    for kernel in ("linear", "cosine", "rbf", "distance"):
        with pytest.warns(RuntimeWarning, match="x is constant"):
            assert np.isnan(mmkernels.cka(constant, x, kernel=kernel, estimator=estimator))


def test_constant_features_are_not_zero_either():
    """Returned as 0, a collapsed layer reads as one that is unlike every other."""
    with pytest.warns(RuntimeWarning, match="constant"):
        found = mmkernels.cka_matrix([np.ones((20, 3)), datasets.gaussian(20, 4)])
    assert np.isnan(found).tolist() == [[True, True], [True, False]]


def test_half_precision_does_not_overflow():
    """Gram entries of flattened feature maps pass 65504, the largest float16: NaN."""
    x = (100 * datasets.gaussian(50, 3000)).astype(np.float16)
    y = (100 * datasets.gaussian(50, 20, seed=1)).astype(np.float16)
    assert (x.astype(np.float64) ** 2).sum(axis=1).min() > 65504
    for kernel in ("linear", "cosine", "rbf", "laplacian", "distance"):
        found = mmkernels.cka(x, y, kernel=kernel)
        assert found == pytest.approx(reference.cka(x, y, kernel=kernel), abs=1e-5)
    assert np.isfinite(mmkernels.cmd(x, y))


def test_what_is_called_unbiased_is_unbiased():
    """Documented as unbiased: 0.198 in the mean over independent features at n = 32."""
    draws = datasets.generator(0).standard_normal((300, 2, 32, 6))
    assert abs(np.mean([mmkernels.cka(x, y) for x, y in draws])) < 0.01
    assert np.mean([mmkernels.cka(x, y, unbiased=False) for x, y in draws]) > 0.15


@pytest.mark.parametrize(("d_x", "d_y"), [(4, 900), (900, 4), (900, 800), (4, 5)])
def test_the_path_is_chosen_by_both_widths(d_x, d_y):
    """By the first argument's alone: the score must not depend on which side is wide."""
    x, y = datasets.related(100, d_x, d_y, dtype=np.float64)
    for estimator in ("gretton", "song", "lange"):
        wanted = reference.cka(x, y, estimator=estimator)
        assert mmkernels.cka(x, y, estimator=estimator) == pytest.approx(wanted, abs=1e-6)
        assert mmkernels.cka(y, x, estimator=estimator) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("n", [2, 3])
def test_three_samples_have_no_unbiased_score(n):
    """n (n - 3) is 0: NaN, or the biased value in its place, without a word."""
    x, y = datasets.gaussian(n, 4), datasets.gaussian(n, 5, seed=1)
    for estimator in ("song", "lange"):
        refuse(ValueError, ["x", "4", f"({n}, 4)"], mmkernels.cka, x, y, estimator=estimator)


def test_a_matrix_that_is_not_symmetric_is_refused_on_either_side():
    """Checked with "and": both sides had to be asymmetric for the error to be raised."""
    good, bad = np.eye(20), np.eye(20)
    bad[2, 5] = 0.5
    for x, y, name in ((good, bad, "y"), (bad, good, "x"), (bad, bad, "x")):
        refuse(ValueError, [name, "symmetric"], mmkernels.cka, x, y, kernel="precomputed")


def test_one_nan_is_said_to_be_one():
    """Said to be an asymmetric matrix: NaN is not equal to itself."""
    x, y = datasets.related(30, 4, 5)
    x[3, 1] = np.nan
    refuse(ValueError, ["x has NaN or infinity in row 3 "], mmkernels.cka, x, y)


def test_whole_numbers_are_features_like_others():
    """dtype errors from a matrix product or from a mean."""
    x, y = (datasets.integers(40, d, d) for d in (5, 7))
    wanted = mmkernels.cka(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dtype in (np.int8, np.int64, np.float16):
            assert mmkernels.cka(x.astype(dtype), y.astype(dtype)) == wanted


def test_the_score_is_a_quotient_of_roots():
    """HSIC over the product of the self terms, without the root."""
    x, y = views()
    hsic = mmkernels.hsic
    wanted = hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y))
    assert mmkernels.cka(x, y) == pytest.approx(wanted, abs=1e-9)


def test_diagonals_are_left_out_entry_by_entry():
    """diag(K) subtracted as a row vector from every row, in place of zeroing the diagonal."""
    x, y = views(40)
    k, l = (reference.gram(z) for z in (x, y))  # noqa: E741
    wanted = mmkernels.hsic(k, l, kernel="precomputed")
    # The U-statistic does not see the diagonal at all.
    for m in (k, l):
        np.fill_diagonal(m, 1e3)
    found = mmkernels.hsic(k, l, kernel="precomputed")
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("values", [[0, 1, 3, 7], [0, 1, 3, 7, 12], [0, 0, 0, 1, 5, 9]])
def test_the_median_is_of_distances_between_different_samples(values):
    """Seen elsewhere: with the zeros of the diagonal, of squared distances, of those that are not
    0, or the lower of the two in the middle (torch.median)."""
    x = np.array(values, np.float64)[:, None]
    distances = np.abs(x - x.T)[np.triu_indices(len(x), 1)]
    found = mmkernels.prepare_gram(x, kernel="rbf").sigma
    assert found == pytest.approx(np.median(distances), rel=1e-6)


def test_a_median_of_any_number_of_distances():
    """torch.quantile takes 2^24 values: ignite's bandwidth ends at a batch of about 4,000."""
    n = 6000
    assert n * (n - 1) // 2 > 2**24
    x = datasets.generator(0).permutation(n)[:, None].astype(np.float64)
    # On a line n - m pairs are m apart.
    pairs = np.cumsum(np.arange(n - 1, 0, -1))
    wanted = 1 + np.searchsorted(pairs, n * (n - 1) / 4)
    assert mmkernels.prepare_gram(x, kernel="rbf").sigma == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("offset", [0, 100, 1e4, 1e6])
def test_a_self_similarity_is_not_negative(offset):
    """Song's three terms of uncentred kernels: below 0, so that the root of it is NaN."""
    x = datasets.gaussian(200, 16).astype(np.float64) + offset
    score = mmkernels.LinearCKA()
    score.update(x, x)
    wanted = reference.hsic(x - offset, x - offset)
    assert score.hsic() == pytest.approx(wanted, rel=1e-6)
    assert mmkernels.hsic(x, x.copy()) == pytest.approx(wanted, rel=1e-4)
    for kernel in ("rbf", "laplacian", "distance"):
        assert mmkernels.hsic(x, x.copy(), kernel=kernel) > 0
        assert mmkernels.cka(x, x.copy(), kernel=kernel) == pytest.approx(1, abs=1e-6)
