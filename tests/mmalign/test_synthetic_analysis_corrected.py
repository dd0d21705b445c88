"""The corrected statistics find what was planted, and nothing where nothing was."""

from __future__ import annotations

import numpy as np
import pytest

from mmalign.analysis.synthetic import corrected_statistics, load_tables, looks
from mmalign.analysis.synthetic.emergence import best_over_depths, slopes
from mmalign.analysis.synthetic.tables import grids

from .synthetic_tables import write_tables

# Calibration stretches a score by 1 / (1 - threshold).
STRETCH = 1 / (1 - 0.02)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return load_tables(
        write_tables(
            tmp_path_factory.mktemp("corrected"),
            uniqueness=(0, 2, 4, 6),
            transform_depths=(1, 2, 3, 4),
            depths=(1, 2, 3, 4),
            seeds=range(8),
            metrics=(("unbiased_cka", {"kernel": "linear"}), ("svcca", {})),
            per_uniqueness=lambda task, metric: -0.08 if task == "paper" else -0.05,
            per_transform=lambda task, metric: -0.02 if metric == "unbiased_cka" else 0.0,
            # At U = 0 alignment tells accuracy at equal depth, at 2 it only shares growth with it.
            link=lambda task, metric, level: 1.0 if level == 0 else 0.0,
            shared_growth=lambda level: 0.1 if level in (0, 2) else 0.0,
        )
    )


@pytest.fixture(scope="module")
def table(results):
    return corrected_statistics(results)


def one(table, **wanted):
    for name, value in wanted.items():
        column = table[name]
        table = table[column.isna() if value is None else (column == value).fillna(False)]
    assert len(table) == 1
    return table.iloc[0]


def overall(table, question, statistic, task="paper", metric="unbiased_cka"):
    return one(
        table,
        question=question,
        statistic=statistic,
        task=task,
        metric=metric,
        uniqueness=None,
        transform_depth=None,
    )


def at(table, level, statistic, question="alignment_performance", task="paper"):
    return one(
        table,
        question=question,
        statistic=statistic,
        task=task,
        metric="unbiased_cka",
        uniqueness=level,
        transform_depth=None,
    )


def test_the_slopes_planted_are_found(results, table):
    grid = next(grids(results))
    # Best over depths adds the growth of U = 0 and 2, so slopes on U are known for the rest only.
    on_uniqueness, on_transform = slopes(grid)
    assert on_transform.mean() == pytest.approx(-0.02 * STRETCH, abs=2e-3)
    for question, found in (
        ("alignment_uniqueness", on_uniqueness),
        ("alignment_transform", on_transform),
    ):
        row = overall(table, question, "slope")
        assert row["value"] == pytest.approx(found.mean())
        assert row["low"] < row["value"] < row["high"] < 0
        assert row["seeds"] == 8
    flat = overall(table, "alignment_transform", "slope", metric="svcca")
    assert flat["low"] - 1e-3 < 0 < flat["high"] + 1e-3


def test_the_slope_of_a_seed_is_least_squares_on_both_axes(results):
    grid = next(grids(results))
    best = best_over_depths(grid)
    levels = np.meshgrid(grid.uniqueness, grid.transform_depths, indexing="ij")
    design = np.stack([np.ones(best[0].size), *(one.ravel() for one in levels)], axis=1)
    expected = np.linalg.lstsq(design, best.reshape(len(best), -1).T, rcond=None)[0]
    assert np.stack(slopes(grid)) == pytest.approx(expected[1:])


def test_the_correlation_with_uniqueness_is_the_mean_over_seeds_and_transformations(table):
    row = overall(table, "alignment_uniqueness", "spearman")
    assert row["value"] == pytest.approx(-1)
    assert row["high"] < 0
    flat = overall(table, "alignment_transform", "spearman", metric="svcca")
    assert flat["low"] < 0 < flat["high"] or abs(flat["value"]) < 0.3


def test_holding_synergy_fixed_is_compared_seed_by_seed(table):
    row = overall(table, "alignment_uniqueness", "slope_difference", task="balanced")
    assert row["value"] == pytest.approx(0.03 * STRETCH, abs=3e-3)
    assert row["low"] > 0


def test_alignment_predicts_performance_only_where_planted(table):
    assert at(table, 0, "spearman")["low"] > 0.3
    for level in (4, 6):
        assert abs(at(table, level, "spearman")["value"]) < 0.3


def test_a_trend_shared_with_depth_is_not_left_given_depth(table):
    assert at(table, 2, "spearman")["low"] > 0.2
    given = at(table, 2, "spearman_given_depth")
    assert abs(given["value"]) < 0.25
    assert given["p"] > 0.01
    real = at(table, 0, "spearman_given_depth")
    assert real["low"] > 0.3
    assert real["p"] <= 0.001


def test_depth_predicts_performance_everywhere_and_alignment_where_planted(table):
    for level in (0, 2, 4, 6):
        row = one(
            table,
            question="performance_depth",
            statistic="spearman",
            task="paper",
            uniqueness=level,
            transform_depth=None,
        )
        assert row["low"] > 0
        depth = at(table, level, "spearman", question="alignment_depth")
        assert (depth["low"] > 0) == (level in (0, 2))


def test_performance_is_accuracy_on_the_other_half_over_its_ceiling(results):
    grid = next(grids(results))
    encoders = results.encoders
    row = encoders[(encoders["view"] == 2) & (encoders["task"] == "paper")].iloc[17]
    place = tuple(
        list(levels).index(row[name])
        for name, levels in (
            ("seed", grid.seeds),
            ("uniqueness", grid.uniqueness),
            ("transform_depth", grid.transform_depths),
            ("depth", grid.depths),
        )
    )
    assert grid.performance[place] == row["held_accuracy"] / row["bayes_accuracy"]


def test_looks_count_every_interval_but_those_of_means(table):
    counted = {look.question: look for look in looks(table)}
    rows = table[(table["question"] == "performance_depth") & table["low"].notna()]
    assert counted["performance_depth"].intervals == len(rows) == 2 * 4 * (4 + 1)
    away = ((rows["low"] > 0) | (rows["high"] < 0)).sum()
    assert counted["performance_depth"].exclude_zero == away
    means = table[(table["question"] == "alignment_uniqueness") & (table["statistic"] == "mean")]
    every = table[(table["question"] == "alignment_uniqueness") & table["low"].notna()]
    assert counted["alignment_uniqueness"].intervals == len(every) - len(means)


def test_unrelated_numbers_seldom_seem_related(tmp_path):
    """Within a seed everything may be shared; between seeds there is nothing to find."""
    write_tables(
        tmp_path,
        tasks=("paper",),
        uniqueness=range(9),
        seeds=range(10),
        per_uniqueness=lambda task, metric: 0.0,
        per_transform=lambda task, metric: 0.0,
        highest=0.5,
        noise=0.05,
    )
    table = corrected_statistics(load_tables(tmp_path))
    rows = table[
        (table["question"] == "alignment_performance")
        & (table["statistic"] == "spearman_given_depth")
        & table["transform_depth"].isna()
    ]
    assert len(rows) == 9 * 5
    assert ((rows["low"] > 0) | (rows["high"] < 0)).mean() <= 0.15
    assert (rows["p"] <= 0.05).mean() <= 0.15


def test_few_seeds_and_few_levels_are_said_in_words(tmp_path):
    write_tables(tmp_path, uniqueness=(0, 8), transform_depths=(1,), depths=(1,), seeds=(0, 1))
    table = corrected_statistics(load_tables(tmp_path))
    assert not table["low"].notna().any()
    row = one(
        table,
        question="alignment_uniqueness",
        statistic="spearman",
        task="paper",
        metric="svcca",
        uniqueness=None,
        transform_depth=None,
    )
    assert row["reason"] == "n too small: 2 levels of U, at least 3 needed"
    row = table[table["question"] == "alignment_performance"].iloc[0]
    assert row["reason"] == "n too small: 2 encoders, at least 4 needed"
