"""What leaves a score unchanged, for data that hypothesis chooses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import mmkernels
from mmkernels import reference

from . import datasets
from .gram_checks import REPEATED_ERROR, check_scores
from .neighbor_checks import check_neighbors, whole_similarity

KERNELS = st.sampled_from([("linear", None), ("rbf", "median")])
METRICS = st.sampled_from(["cosine", "ip", "l2"])
ROUNDING = 2e-6  # two computations in float32 tiles of the same score


@st.composite
def pairs(draw):
    """Two float64 views of the same factors, without near ties."""
    n, d_x, d_y = draw(st.integers(8, 70)), draw(st.integers(3, 40)), draw(st.integers(3, 40))
    return datasets.related(n, d_x, d_y, draw(st.integers(0, 10**6)), dtype=np.float64)


@st.composite
def whole_numbers(draw):
    """Small whole numbers: duplicates, zero rows and ties everywhere, all products exact."""
    shape = draw(st.integers(4, 40)), draw(st.integers(1, 6))
    return draw(arrays(np.int8, shape, elements=st.integers(-2, 2)))


def rotation(d, seed):
    return np.linalg.qr(datasets.generator(seed).standard_normal((d, d)))[0]


@given(pairs(), KERNELS, st.booleans(), st.integers(0, 99))
@settings(max_examples=40)
def test_cka_of_rotated_scaled_shifted_and_reordered_features(pair, kernel, unbiased, seed):
    x, y = pair
    options = {"kernel": kernel[0], "sigma": kernel[1], "unbiased": unbiased}
    wanted = mmkernels.cka(x, y, **options)
    rotated = x @ rotation(x.shape[1], seed)
    shift = datasets.generator(seed).standard_normal(y.shape[1]) * 30
    order = datasets.generator(seed).permutation(len(x))
    truth = reference.cka(x, y, **options)
    assert wanted == pytest.approx(truth, abs=ROUNDING)
    for a, b in (
        (rotated, y),
        (x, y + shift),
        (x * 0.003, y * -7e4),
        (x[order], y[order]),
        (np.hstack([x, np.ones((len(x), 1))]), y),
        (y, x),
    ):
        assert mmkernels.cka(a, b, **options) == pytest.approx(wanted, abs=2 * ROUNDING)
    assert mmkernels.cka(x, x.copy(), **options) == pytest.approx(1, abs=ROUNDING)
    assert mmkernels.cka(rotated * 3, x, **options) == pytest.approx(1, abs=ROUNDING)


@given(pairs(), METRICS, st.integers(1, 7), st.integers(0, 99))
@settings(max_examples=40)
def test_mutual_knn_of_rotated_scaled_and_reordered_features(pair, metric, k, seed):
    x, y = pair
    wanted = mmkernels.mutual_knn(x, y, k=k, metric=metric)
    assert wanted == pytest.approx(reference.mutual_knn(x, y, k=k, metric=metric), abs=1e-12)
    rotated = x @ rotation(x.shape[1], seed)
    order = datasets.generator(seed).permutation(len(x))
    variants = [(rotated, y), (x * 0.003, y * 7e4), (x[order], y[order]), (y, x)]
    if metric == "l2":
        variants.append((x + 100, y - 30))
    if metric == "cosine":
        lengths = datasets.generator(seed).uniform(0.1, 10, (len(x), 1))
        variants.append((x * lengths, y))
    for a, b in variants:
        assert mmkernels.mutual_knn(a, b, k=k, metric=metric) == wanted
    assert mmkernels.mutual_knn(x, rotated, k=k, metric=metric) == 1


@given(pairs(), KERNELS)
@settings(max_examples=20)
def test_hsic_is_bilinear_in_the_kernels(pair, kernel):
    x, y = pair
    options = {"kernel": kernel[0], "sigma": kernel[1], "unbiased": False}
    wanted = mmkernels.hsic(x, y, **options)
    factor = 16 if kernel[0] == "linear" else 1
    assert mmkernels.hsic(4 * x, y, **options) == pytest.approx(factor * wanted, rel=1e-6)
    assert mmkernels.hsic(y, x, **options) == pytest.approx(wanted, rel=1e-6)


@given(st.data(), st.sampled_from(["ip", "l2"]))
@settings(max_examples=80)
def test_neighbors_of_whole_numbers_are_exact(data, metric):
    x = data.draw(whole_numbers())
    k = data.draw(st.integers(1, len(x) - 1))
    found = mmkernels.knn(x, k, metric=metric)
    check_neighbors(found.indices, found.scores, whole_similarity(x, metric), k)


@given(st.data())
@settings(max_examples=60)
def test_scores_of_whole_numbers(data):
    """Few distinct rows, constant features, unbiased self terms that cancel exactly."""
    x = data.draw(whole_numbers())
    y = data.draw(arrays(np.int8, (len(x), 3), elements=st.integers(-2, 2)))
    exact = [_cancels(x, False), _cancels(x, True), _cancels(y, False), _cancels(y, True)]
    if not any(exact):
        check_scores(mmkernels, x, y, error=REPEATED_ERROR)
        return
    for unbiased, of_x, of_y in ((False, exact[0], exact[2]), (True, exact[1], exact[3])):
        if of_x or of_y:
            with pytest.warns(RuntimeWarning):
                assert np.isnan(mmkernels.cka(x, y, unbiased=unbiased))


def _cancels(x, unbiased):
    """Whether HSIC(x, x) is zero, in whole numbers: a multiple of it has no fractions."""
    n, whole = len(x), x.astype(object)
    gram = whole @ whole.T
    if unbiased:
        np.fill_diagonal(gram, 0)
        sums = gram.sum(axis=0)
        total = (n - 1) * (n - 2) * (gram * gram).sum() + sums.sum() ** 2
        return total - 2 * (n - 1) * (sums * sums).sum() == 0
    return len(np.unique(x, axis=0)) == 1
