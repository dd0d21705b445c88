"""The exchange test: exact where it can be counted, valid whatever depth does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mmalign.analysis.exchange import exchange_test
from mmalign.analysis.intervals import estimate


def test_p_is_the_share_of_all_exchanges_that_are_as_strong():
    depth = np.repeat([1.0, 2.0], [3, 4])
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 7)) + 10 * depth
    strengths = []
    for first in itertools.permutations(range(3)):
        for second in itertools.permutations(range(3, 7)):
            exchanged = x[[*first, *second]]
            left = [
                ((exchanged[rows] - exchanged[rows].mean()) * (y[rows] - y[rows].mean())).sum()
                for rows in (slice(0, 3), slice(3, 7))
            ]
            strengths.append(abs(sum(left)))
    wanted = np.mean(np.array(strengths) >= strengths[0] - 1e-12)
    found = exchange_test("pearson", x, y, depth)
    assert found.orders == 6 * 24
    assert found.p == pytest.approx(wanted, abs=0.02)


def test_a_perfect_relation_in_16_orders_cannot_have_a_p_below_an_eighth():
    depth = np.tile([1.0, 2, 3, 4], 2)
    x = depth + np.repeat([0.0, 0.1], 4)
    found = exchange_test("spearman", x, x, depth)
    assert found.orders == 16
    assert found.p == pytest.approx(2 / 16, abs=0.015)


def test_a_bend_that_both_share_is_no_relation_at_equal_depth():
    """Both saturate with depth and are otherwise unrelated: the partial correlation is deceived."""
    rng = np.random.default_rng(0)
    depth = np.tile(np.arange(1.0, 5), 5)
    bend = 18 * (1 - np.exp(-depth))
    deceived = rejected = 0
    for _ in range(100):
        x, y = bend + rng.standard_normal((2, 20))
        rejected += exchange_test("pearson", x, y, depth).p <= 0.05
        own = np.arange(20)[None]
        deceived += estimate("pearson", x, y, own, depth[None], resamples=499).low > 0
    assert deceived >= 40
    assert rejected <= 12


def test_a_relation_at_equal_depth_is_found():
    rng = np.random.default_rng(1)
    depth = np.tile(np.arange(1.0, 5), 5)
    found = 0
    for _ in range(50):
        x = np.exp(depth) + rng.standard_normal(20)
        y = np.log(depth) + 0.8 * (x - np.exp(depth)) + 0.6 * rng.standard_normal(20)
        found += exchange_test("pearson", x, y, depth).p <= 0.05
    assert found >= 40


def test_the_direction_does_not_matter():
    rng = np.random.default_rng(2)
    depth = np.tile([1.0, 2], 5)
    x, y = rng.standard_normal((2, 10))
    assert exchange_test("spearman", x, y, depth) == exchange_test("spearman", -x, y, depth)


@pytest.mark.parametrize(
    ("x", "y", "depth", "orders"),
    [
        ([1.0, 2, 3, 4], [1.0, 2, 3, 5], [1.0, 2, 3, 4], 1),
        ([1.0, 1, 3, 3], [1.0, 2, 3, 5], [1.0, 1, 2, 2], 4),
        ([0.1, 0.1, 0.1, 5], [1.0, 2, 3, 5], [1.0, 1, 1, 2], 6),
    ],
)
def test_nothing_to_exchange_has_no_p(x, y, depth, orders):
    found = exchange_test("pearson", np.array(x), np.array(y), np.array(depth))
    assert np.isnan(found.p)
    assert found.orders == orders


def test_missing_values_have_no_p():
    x = np.array([1.0, np.nan, 2, 3])
    found = exchange_test("pearson", x, np.arange(4.0), np.ones(4))
    assert np.isnan([found.p, found.orders]).all()


def test_many_encoders_have_finitely_many_orders():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 2000))
    found = exchange_test("spearman", x, y, np.zeros(2000))
    assert np.isfinite(found.orders)
    assert 0 < found.p <= 1
