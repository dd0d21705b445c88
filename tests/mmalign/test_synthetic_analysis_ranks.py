"""Rank correlations of many cells, and under draws of whole seeds: against the plain definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from mmalign.analysis.synthetic.ranks import drawn_spearman, midranks, pearson, spearman
from mmalign.analysis.synthetic.seeds import (
    exchange_seeds,
    interval,
    mean_over_seeds,
    seed_counts,
    t_interval,
)


def test_ranks_are_those_of_scipy_less_one_half():
    values = np.array([[3.0, 1.0, 1.0, 7.0], [2.0, 2.0, 2.0, 0.0]])
    assert np.array_equal(midranks(values), stats.rankdata(values, axis=1) - 0.5)


def test_correlations_agree_with_scipy_and_leave_out_what_is_missing():
    draw = np.random.default_rng(0)
    values = draw.integers(0, 6, (3, 2, 9)).astype(float)
    values[0, 0, [1, 4]] = np.nan
    levels = np.arange(9.0)
    for ours, theirs in ((spearman, stats.spearmanr), (pearson, stats.pearsonr)):
        found = ours(values, levels)
        for place in itertools.product(range(3), range(2)):
            known = np.isfinite(values[place])
            expected = theirs(values[place][known], levels[known]).statistic
            assert found[place] == pytest.approx(expected, abs=1e-12)


def test_a_correlation_needs_four_points_that_vary():
    levels = np.arange(4.0)
    assert np.isnan(spearman(np.array([1.0, 2.0, 3.0, np.nan]), levels))
    assert np.isnan(spearman(np.full(4, 0.1), levels))
    assert np.isnan(pearson(np.full(4, 0.1), levels))
    assert spearman(np.array([1.0, 2.0, 3.0, np.nan]), levels, fewest=3) == 1.0


def expanded(values, counts):
    """Every seed as often as it counts: what a draw of seeds means."""
    return np.repeat(values, counts.astype(int), axis=0)


@pytest.mark.parametrize("missing", [False, True])
def test_a_draw_of_seeds_is_the_correlation_of_the_expanded_sample(missing):
    draw = np.random.default_rng(1)
    x, y = draw.integers(0, 5, (2, 6, 4)).astype(float)
    if missing:
        x[2, 1] = y[4, 3] = np.nan
    counts = seed_counts(6)[:40]
    # A second cell of other numbers must not be mixed with the first.
    both = np.stack([x, y**2]), np.stack([y, np.cos(3 * x)])
    plain = drawn_spearman(*both, counts, given_depth=False)[:, 0]
    given = drawn_spearman(*both, counts, given_depth=True)[:, 0]
    for row, alone, within in zip(counts, plain, given, strict=True):
        many_x, many_y = expanded(x, row), expanded(y, row)
        known = np.isfinite(many_x) & np.isfinite(many_y)
        ranks = [stats.rankdata(one[known]) for one in (many_x, many_y)]
        assert alone == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-10)
        depth = np.nonzero(known)[1]
        for one in ranks:
            for level in np.unique(depth):
                one[depth == level] -= one[depth == level].mean()
        assert within == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-9)


def test_nothing_is_left_of_what_only_depth_explains():
    x = np.tile(np.arange(5.0) ** 2, (6, 1))
    y = np.random.default_rng(2).standard_normal((6, 5))
    once = np.ones((1, 6))
    assert np.isnan(drawn_spearman(x[None], y[None], once, given_depth=True)).all()
    assert np.isfinite(drawn_spearman(x[None], y[None], once, given_depth=False)).all()


def test_draws_of_seeds_are_the_same_on_every_call():
    assert seed_counts(5) is seed_counts(5)
    assert np.array_equal(seed_counts(5).sum(axis=1), np.full(len(seed_counts(5)), 5.0))


def test_few_seeds_give_a_number_without_an_interval_and_say_so():
    for estimate in (mean_over_seeds, t_interval):
        found = estimate(np.array([0.2, 0.4, np.nan]), "nothing")
        assert found.value == pytest.approx(0.3)
        assert np.isnan([found.low, found.high]).all()
        assert found.reason == "n too small: 2 seeds, at least 4 needed"
        assert estimate(np.full(6, np.nan), "nothing").reason == "nothing"
    assert interval(0.1, np.zeros(9), 1).reason == "n too small: 1 seed, at least 4 needed"


def test_students_interval_is_scipys():
    values = np.array([0.1, 0.4, 0.3, 0.7, 0.2])
    found = t_interval(values, "")
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_interval_over_seeds_holds_the_truth_about_as_often_as_it_says():
    draw = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        found = mean_over_seeds(draw.standard_normal(8), "")
        held += found.low <= 0 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_the_exchange_of_seeds_tries_every_order_of_few():
    draw = np.random.default_rng(4)
    x, y = draw.standard_normal((2, 4, 3))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    p, reason = exchange_seeds(x, y)
    sums = [abs((x[list(order)] * y).sum()) for order in itertools.permutations(range(4))]
    assert p == np.mean(np.array(sums) >= sums[0] * (1 - 1e-9))
    assert reason == ""


def test_what_seeds_share_does_not_pass_for_a_relation():
    """Every seed has an own level of both, unrelated: exchanging single encoders would see much."""
    draw = np.random.default_rng(5)
    small = 0
    for _ in range(200):
        x = np.repeat(draw.standard_normal((6, 1)), 10, axis=1)
        y = np.repeat(draw.standard_normal((6, 1)), 10, axis=1)
        small += exchange_seeds(x - x.mean(axis=0), y - y.mean(axis=0))[0] <= 0.05
    assert small / 200 <= 0.09


def test_the_exchange_sees_a_relation_and_says_when_there_can_be_none():
    x = np.random.default_rng(6).standard_normal((9, 5))
    x -= x.mean(axis=0)
    assert exchange_seeds(x, x)[0] <= 0.001
    assert "does not vary" in exchange_seeds(np.zeros((9, 5)), x)[1]
    assert exchange_seeds(x[:3], x[:3])[1] == "n too small: 3 seeds, at least 4 needed"
