"""Weighted correlations against scipy on the sample written out in full."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mmalign.analysis.weighted import correlation_of, weighted_correlation, weighted_midranks


def expanded(values, weights):
    return np.repeat(values, weights.astype(int))


@st.composite
def weighted_samples(draw):
    points = draw(st.integers(3, 12))
    numbers = st.lists(st.integers(-4, 4), min_size=points, max_size=points)
    counts = st.lists(st.integers(0, 3), min_size=points, max_size=points)
    x, y, weights = draw(numbers), draw(numbers), draw(counts.filter(any))
    return np.array(x, float), np.array(y, float), np.array(weights, float)


@given(weighted_samples())
def test_midranks_are_scipys_on_the_expanded_sample(sample):
    x, _, weights = sample
    ranks = weighted_midranks(x, weights[None])[0]
    wanted = stats.rankdata(expanded(x, weights)) - 0.5
    np.testing.assert_allclose(expanded(ranks, weights), wanted, rtol=0, atol=1e-12)


@given(weighted_samples(), st.sampled_from(["pearson", "spearman"]))
def test_correlations_are_scipys_on_the_expanded_sample(sample, statistic):
    x, y, weights = sample
    found = correlation_of(statistic, x, y, weights[None])[0]
    full_x, full_y = expanded(x, weights), expanded(y, weights)
    if len(full_x) < 2 or np.ptp(full_x) == 0 or np.ptp(full_y) == 0:
        assert np.isnan(found)
        return
    reference = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}[statistic]
    assert found == pytest.approx(reference(full_x, full_y).statistic, abs=1e-10)


@pytest.mark.parametrize("controls", [1, 2])
def test_partial_correlation_is_that_of_the_regression_residuals(controls):
    rng = np.random.default_rng(controls)
    z = rng.standard_normal((controls, 30))
    x = z.sum(axis=0) + rng.standard_normal(30)
    y = z[0] + 0.5 * x + rng.standard_normal(30)
    weights = rng.integers(0, 4, (5, 30)).astype(float)
    found = weighted_correlation(x, y, weights, z)
    for value, row in zip(found, weights, strict=True):
        design = np.column_stack([np.ones(int(row.sum())), *(expanded(one, row) for one in z)])
        left = []
        for variable in (expanded(x, row), expanded(y, row)):
            left.append(variable - design @ np.linalg.lstsq(design, variable, rcond=None)[0])
        assert value == pytest.approx(np.corrcoef(left)[0, 1], abs=1e-10)


def test_partial_spearman_follows_from_the_three_rank_correlations():
    rng = np.random.default_rng(3)
    z = np.tile([1.0, 2, 3, 4], 3)
    x, y = z + rng.standard_normal(12), z + rng.standard_normal(12)
    a, b, c = (stats.spearmanr(*pair).statistic for pair in ((x, y), (x, z), (y, z)))
    wanted = (a - b * c) / np.sqrt((1 - b**2) * (1 - c**2))
    found = correlation_of("spearman", x, y, np.ones((1, 12)), z[None])[0]
    assert found == pytest.approx(wanted, abs=1e-12)


def test_nothing_left_to_correlate_is_nan_and_not_a_number_made_of_rounding():
    z = np.arange(10.0)
    y = np.random.default_rng(0).standard_normal(10)
    ones = np.ones((1, 10))
    assert np.isnan(weighted_correlation(3 * z + 1, y, ones, z[None]))[0]
    assert np.isnan(weighted_correlation(np.full(10, 1e6 + 0.1), y, ones))[0]


def test_collinear_controls_count_once():
    rng = np.random.default_rng(1)
    x, y, z = rng.standard_normal((3, 20))
    ones = np.ones((1, 20))
    once = weighted_correlation(x, y, ones, z[None])
    twice = weighted_correlation(x, y, ones, np.stack([z, 2 * z - 1]))
    np.testing.assert_allclose(once, twice, atol=1e-10)


def test_offsets_and_units_do_not_matter():
    rng = np.random.default_rng(2)
    x, y, z = rng.standard_normal((3, 15))
    ones = np.ones((1, 15))
    plain = weighted_correlation(x, y, ones, z[None])
    moved = weighted_correlation(1e-6 * x + 10, 1e5 * y - 1e7, ones, 100 * z[None])
    np.testing.assert_allclose(plain, moved, atol=1e-6)


def test_an_unknown_statistic_is_named():
    with pytest.raises(ValueError, match=r'"kendall"|kendall.*"pearson" and "spearman"'):
        correlation_of("kendall", np.arange(4.0), np.arange(4.0), np.ones((1, 4)))
