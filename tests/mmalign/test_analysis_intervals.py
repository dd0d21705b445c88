"""Bootstrap intervals: against scipy, in simulation, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mmalign.analysis.fit import fit_line
from mmalign.analysis.intervals import estimate


def own(n):
    return np.arange(n)[None]


def correlated(rng, n, rho):
    x, noise = rng.standard_normal((2, n))
    return x, rho * x + np.sqrt(1 - rho**2) * noise


def test_spearman_interval_is_scipys_paired_percentile_bootstrap():
    x, y = correlated(np.random.default_rng(0), 20, 0.6)
    found = estimate("spearman", x, y, own(20))
    reference = stats.bootstrap(
        (x, y),
        lambda a, b: stats.spearmanr(a, b).statistic,
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=1000,
        random_state=np.random.default_rng(1),
    ).confidence_interval
    assert found.value == pytest.approx(stats.spearmanr(x, y).statistic)
    assert [found.low, found.high] == pytest.approx([reference.low, reference.high], abs=0.06)


def test_pearson_interval_is_scipys_with_students_tails():
    x, y = correlated(np.random.default_rng(0), 20, 0.6)
    found = estimate("pearson", x, y, own(20))
    tail = stats.norm.cdf(-np.sqrt(20 / 19) * stats.t.ppf(0.975, 19))
    reference = stats.bootstrap(
        (x, y),
        lambda a, b: stats.pearsonr(a, b).statistic,
        paired=True,
        vectorized=False,
        method="percentile",
        confidence_level=1 - 2 * tail,
        n_resamples=1000,
        random_state=np.random.default_rng(1),
    ).confidence_interval
    assert found.value == pytest.approx(stats.pearsonr(x, y).statistic)
    assert [found.low, found.high] == pytest.approx([reference.low, reference.high], abs=0.06)


@pytest.mark.parametrize("statistic", ["pearson", "spearman"])
@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_intervals_of_eight_points_hold_the_truth_as_often_as_they_say(statistic, rho):
    rng = np.random.default_rng(5)
    truth = rho if statistic == "pearson" else 6 / np.pi * np.arcsin(rho / 2)
    held = 0
    for _ in range(200):
        x, y = correlated(rng, 8, rho)
        found = estimate(statistic, x, y, own(8), resamples=499)
        held += found.low <= truth <= found.high
    assert 0.91 <= held / 200 <= 0.995


@pytest.mark.parametrize("statistic", ["pearson", "spearman"])
def test_partial_intervals_hold_zero_where_only_depth_relates_the_two(statistic):
    rng = np.random.default_rng(6)
    depth = np.tile(np.arange(1.0, 5), 3)
    held = alone = 0
    for _ in range(200):
        x, y = depth + rng.standard_normal((2, 12))
        found = estimate(statistic, x, y, own(12), depth[None], resamples=499)
        held += found.low <= 0 <= found.high
        plain = estimate(statistic, x, y, own(12), resamples=499)
        alone += plain.low > 0
    assert held / 200 >= 0.9
    assert alone / 200 >= 0.4, "without the control, depth passes for a relation"


def test_pairs_are_not_taken_for_independent():
    """64 pairs of 8 + 8 encoders without any relation: resampling pairs would often find one."""
    rng = np.random.default_rng(7)
    first, second = np.divmod(np.arange(64), 8)
    crossed = pairwise = 0
    for _ in range(100):
        a, b, p, q = rng.standard_normal((4, 8))
        x, y = a[first] + b[second], p[first] + q[second]
        found = estimate("pearson", x, y, np.stack([first, second]), resamples=499)
        crossed += found.low <= 0 <= found.high
        naive = estimate("pearson", x, y, own(64), resamples=499)
        pairwise += naive.low <= 0 <= naive.high
    assert crossed >= 93
    assert pairwise <= 75


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    x, y = correlated(np.random.default_rng(0), 10, 0.5)
    first = estimate("pearson", x, y, own(10), seed=1)
    assert first == estimate("pearson", x, y, own(10), seed=1)
    assert first != estimate("pearson", x, y, own(10), seed=2)


def test_encoders_may_have_any_numbers():
    x, y = correlated(np.random.default_rng(0), 10, 0.5)
    strange = np.array([[900, -3, 7, 7000, 12, 5, 4, 44, 1, 0]])
    found = estimate("pearson", x, y, strange)
    assert found.low < found.value < found.high


UP = np.arange(8.0)


@pytest.mark.parametrize(
    ("x", "y", "depth", "reason"),
    [
        (UP[:3], UP[:3], None, "only 3 points, at least 4 are needed"),
        (UP[:0], UP[:0], None, "only 0 points, at least 4 are needed"),
        (UP[:4], UP[:4], UP[:4], "only 4 points, at least 5 are needed"),
        (UP, np.full(8, 0.97), None, "accuracy is the same for all points"),
        (np.full(8, 0.1 + 0.2), UP, None, "alignment is the same for all points"),
        (np.where(UP == 2, np.nan, UP), UP, None, "alignment is not a number for 1 of 8 points"),
        (UP, np.where(UP > 5, np.inf, UP), None, "accuracy is not a number for 2 of 8 points"),
        (UP, UP[::-1] ** 2, np.ones(8), "depth does not vary"),
        (UP, UP[::-1] ** 2, UP, "alignment or accuracy does not vary at fixed depth"),
    ],
)
def test_what_is_not_defined_is_nan_with_a_reason(x, y, depth, reason):
    controls = None if depth is None else depth[None]
    found = estimate("pearson", x, y, own(len(x)), controls, names=("alignment", "accuracy"))
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.reason == reason


@pytest.mark.parametrize("n", [4, 5])
def test_too_few_points_for_an_interval_still_have_a_correlation(n):
    x, y = correlated(np.random.default_rng(0), n, 0.5)
    found = estimate("pearson", x, y, own(n))
    assert found.value == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert np.isnan([found.low, found.high]).all()
    assert "too few" in found.reason


def test_pairs_with_few_encoders_on_one_side_have_no_interval():
    first, second = np.divmod(np.arange(24), 8)
    x, y = np.random.default_rng(0).standard_normal((2, 24))
    found = estimate("pearson", x, y, np.stack([first, second]))
    assert np.isnan(found.low)
    assert found.reason == "only 3 encoders of one view, at least 4 are needed"


def test_perfect_correlations_end_at_one():
    found = estimate("spearman", UP, UP**3, own(8))
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))


def test_the_fitted_line_is_least_squares_inside_its_band():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(25) + 5
    y = 2 * x + rng.standard_normal(25)
    fit = fit_line(x, y, own(25))
    slope, intercept = np.polyfit(x, y, 1)
    np.testing.assert_allclose(fit.line, slope * fit.x + intercept)
    assert (fit.low <= fit.line).all()
    assert (fit.line <= fit.high).all()
    assert (fit.x[0], fit.x[-1]) == pytest.approx((x.min(), x.max()))
    middle = len(fit.x) // 2
    assert (fit.high - fit.low)[middle] < (fit.high - fit.low)[0]


@pytest.mark.parametrize(
    ("x", "y"),
    [(UP[:3], UP[:3]), (np.ones(8), UP), (UP, np.where(UP == 1, np.nan, UP))],
)
def test_no_line_through_what_determines_none(x, y):
    assert fit_line(x, y, own(len(x))) is None
