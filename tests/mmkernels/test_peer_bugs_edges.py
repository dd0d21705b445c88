"""Inputs at which other programs give noise, "perfect", 0 or a misleading error: every measure.

Eleven libraries were asked for the score of constant features, of one NaN, of three samples, of
sides that do not match, of float16 and of integers; no two answer alike.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mmkernels

from . import datasets
from .list_checks import LISTS
from .test_errors import refuse

ALL = mmkernels.measures()
TAKE_K = (*LISTS, "second_order_cosine", "cknna")
UNBIASED = ("unbiased_cka", "unbiased_hsic")
# Lists of neighbours and uncentred cosines exist for constant features as for any others; for
# rsa see test_rsa.py.
UNDEFINED = sorted({*ALL} - {*LISTS, "second_order_cosine", "cmd", "rsa"})
measure = mmkernels.measure


@pytest.mark.parametrize("name", ALL)
def test_one_nan_is_an_error_that_names_its_row(name):
    """A number (platonic-rep), 0 (torchmetrics), NaN (most), "not symmetric" (ckatorch)."""
    x, y = datasets.related(50, 8, 6)
    for value in (np.nan, np.inf):
        bad = y.copy()
        bad[17, 2] = value
        refuse(ValueError, ["y has NaN or infinity in row 17 ", "(50, 6)"], measure, name, x, bad)
        refuse(ValueError, ["x has NaN or infinity in row 17 ", "(50, 6)"], measure, name, bad, x)


@pytest.mark.parametrize("name", ALL)
def test_sides_of_different_lengths_are_an_error_that_names_both(name):
    """The error of a matrix product (platonic-rep, ReSi), or of a broadcast."""
    x, y = datasets.related(50, 8, 6)
    refuse(ValueError, ["x and y", "(50, 8)", "(49, 6)"], measure, name, x, y[:49])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float16", "int64", "int16"])
def test_large_halves_and_integers_have_the_score_of_the_same_values(name, dtype):
    """NaN from float16 (platonic-rep, cka-pytorch, anatome), dtype errors (platonic-rep, netrep);
    int16 sums wrap around."""
    x, y = ((100 * z).astype(dtype) for z in datasets.related(60, 8, 6))
    wanted = float(measure(name, x.astype(np.float64), y.astype(np.float64)))
    assert float(measure(name, x, y)) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", UNDEFINED)
@pytest.mark.parametrize("value", [2.5, 0.1])
def test_constant_features_are_not_perfect_nor_noise_nor_unrelated(name, value):
    """0.338 (brain-score), 0.028 and a distance of 0 (platonic-universe), 0 (pytorch-cka)."""
    x, constant = datasets.gaussian(50, 8), np.full((50, 8), value)
    if name in ("hsic", "unbiased_hsic"):
        assert measure(name, x, constant) == pytest.approx(0, abs=1e-12)
        return
    if name in ("linear_predictivity", "linear_regression"):
        with pytest.warns(RuntimeWarning, match="y "):
            assert np.isnan(measure(name, x, constant))
        return
    for arguments, side in (((x, constant), "y"), ((constant, x), "x")):
        with pytest.warns(RuntimeWarning, match=f"{side} is constant|alignment of {side}"):
            assert np.isnan(measure(name, *arguments))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_samples_have_a_score_or_an_error_that_says_how_many(name, n):
    """NaN (platonic-rep, ckatorch, anatome) or 0.078 from three samples (anatome's opd)."""
    x, y = datasets.related(n, 8, 6)
    options = {"k": 1} if name in TAKE_K else {}
    said = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            found = measure(name, x, y, **options)
        except ValueError as error:
            said = str(error)
    if said:
        assert "samples" in said
        assert f"({n}, 8)" in said or f"between 2 and {n}," in said
    else:
        assert n > 1
        assert name not in UNBIASED
        assert np.isfinite(found) or n == 2


@pytest.mark.parametrize("name", ALL)
def test_activations_that_are_not_contiguous_are_read_where_they_are(name):
    """simtorch calls .view on them."""
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z) for z in datasets.related(60, 8, 6))
    wide = torch.zeros(8, 120)
    wide[:, ::2] = x.t()
    strided = wide.t()[::2]
    assert not strided.is_contiguous()
    assert float(measure(name, strided, y)) == float(measure(name, x, y))


@pytest.mark.parametrize("name", ALL)
def test_maps_that_were_not_flattened_are_refused_with_their_shape(name):
    """CKA-Centered-Kernel-Alignment#4: (batch, channel, height, width) went in as it was."""
    x, y = datasets.gaussian(20, 48).reshape(20, 3, 4, 4), datasets.gaussian(20, 5)
    refuse(ValueError, ["x must be two-dimensional", "(20, 3, 4, 4)"], measure, name, x, y)
