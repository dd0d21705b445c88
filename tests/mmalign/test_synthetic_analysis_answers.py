"""The answers say what the intervals say, and no more; the checks name what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmalign.analysis.synthetic import (
    answers,
    check_sentences,
    check_statistics,
    corrected_statistics,
    load_tables,
)
from mmalign.analysis.synthetic.wording import level_names

from .synthetic_tables import write_tables

UNIQUENESS = "Does alignment fall as uniqueness grows?"
TRANSFORM = "Does alignment fall as the views grow more unlike?"
PERFORMANCE = "Does alignment predict performance?"
SIZE = "Does model size predict performance?"
SYNERGY = "Do the answers survive holding synergy fixed?"
METRIC = "Do the answers depend on the metric?"


def said(directory, **planted):
    options = {
        "metrics": (("unbiased_cka", {"kernel": "linear"}), ("svcca", {})),
        "uniqueness": (0, 3, 5, 6),
    } | planted
    results = load_tables(write_tables(directory, **options))
    found = answers(corrected_statistics(results))
    return {one.question: one.sentence.replace("\u00a0", " ") for one in found}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return said(
        tmp_path_factory.mktemp("answers"),
        seeds=range(8),
        per_transform=lambda task, metric: -0.03 if metric == "svcca" else 0.03,
        per_uniqueness=lambda task, metric: -0.08 if task == "paper" else 0.04,
        highest=0.6,
        link=lambda task, metric, level: {0: 1.0, 6: -1.0}.get(level, 0) * (task == "paper"),
    )


def test_every_question_is_asked(plain):
    assert list(plain) == [UNIQUENESS, TRANSFORM, PERFORMANCE, SIZE, SYNERGY, METRIC]


def test_a_trend_is_answered_with_its_number_its_interval_and_its_slope(plain):
    text = plain[UNIQUENESS]
    assert text.startswith("Yes: alignment falls with uniqueness (Spearman −.9")
    assert "95% interval −1.00 to −.9" in text
    assert "8 seeds" in text
    assert "Each unit of U changes alignment by −.08" in text
    assert plain[TRANSFORM].startswith("No: alignment rises with the depth of the transformation")


def test_prediction_is_answered_level_by_level(plain):
    first, _, given = plain[PERFORMANCE].partition("Once depth is accounted for: ")
    for text in (first.lower(), given):
        assert "at u = 0 encoders that align more classify better (spearman ." in text.lower()
        assert "at u = 6 encoders that align more classify worse (spearman −." in text.lower()
    assert "deeper encoders classify better" in plain[SIZE]


def test_another_task_and_another_metric_are_held_against_the_first(plain):
    assert "it is another for uniqueness (Spearman 1.00" in plain[SYNERGY]
    assert "the answer stays the same for heterogeneity" in plain[SYNERGY]
    assert "predicts performance has another answer at U = 0" in plain[SYNERGY]
    assert plain[METRIC].startswith("On uniqueness all 2 metrics agree; on heterogeneity another")
    assert "SVCCA (Spearman −" in plain[METRIC]


def test_no_relation_is_not_called_one(tmp_path):
    text = said(
        tmp_path,
        seeds=range(6),
        tasks=("paper",),
        per_uniqueness=lambda task, metric: 0.0,
        per_transform=lambda task, metric: 0.0,
        noise=0.02,
        highest=0.5,
    )
    assert SYNERGY not in text
    assert text[UNIQUENESS].startswith("The data do not tell whether alignment falls")
    assert text[TRANSFORM].startswith("The data do not tell whether alignment falls")


def test_too_few_seeds_are_an_answer(tmp_path):
    text = said(tmp_path, seeds=(0, 1))
    assert text[UNIQUENESS].startswith("It cannot be said whether alignment falls with uniqueness")
    assert "n too small: 2 seeds, at least 4 needed" in text[UNIQUENESS]
    assert "no interval can be given" in text[PERFORMANCE]
    assert "no comparison can be made for uniqueness" in text[SYNERGY]
    assert "cannot be compared at any U" in text[SYNERGY]
    assert "on performance no metric has an interval" in text[METRIC]


def test_one_level_and_one_depth_are_an_answer(tmp_path):
    text = said(tmp_path, uniqueness=(4,), transform_depths=(2,), depths=(3,), seeds=(0,))
    assert "n too small: 1 level of U, at least 3 needed" in text[UNIQUENESS]
    assert "n too small: 1 level of the transformation" in text[TRANSFORM]
    assert "no interval can be given (n too small: 1 encoder, at least 4 needed" in text[SIZE]


def test_one_seed_has_no_two_encoders_of_equal_depth(tmp_path):
    first, _, given = said(tmp_path, seeds=(3,))[PERFORMANCE].partition("depth is accounted for: ")
    assert "no interval can be given (Spearman from" in first
    assert "no interval can be given (n too small: 1 seed, at least 4 needed)" in given


def test_levels_are_named_in_runs():
    assert level_names([0]) == "U\u00a0=\u00a00"
    assert level_names([0, 1]) == "U\u00a0=\u00a00 and 1"
    assert level_names([0, 1, 2, 3, 5, 8]) == "U\u00a0=\u00a00 to 3, 5 and 8"


def test_good_encoders_pass_both_checks(tmp_path):
    results = load_tables(write_tables(tmp_path, uniqueness=(0, 1, 4)))
    table = check_statistics(results)
    accuracy, ceiling = check_sentences(table)
    assert accuracy.startswith("Of 6 published validation accuracies, 6 are met within 1.5 points")
    assert ceiling.startswith("None of the")
    validation = table[table["question"] == "validation_accuracy"]
    assert (validation["n"] == 7).all()
    row = validation[(validation["uniqueness"] == 4) & (validation["statistic"] == "view_2")]
    own = results.encoders
    own = own[(own["task"] == "paper") & (own["uniqueness"] == 4) & (own["view"] == 2)]
    cells = own.groupby(["transform_depth", "depth"])["valid_accuracy"].mean()
    seven = [(1, 1), (2, 2), (3, 3), (4, 4), (2, 1), (3, 2), (4, 3)]
    assert row["value"].iloc[0] == pytest.approx(cells[seven].mean())
    assert row["published"].iloc[0] == 0.7001


def test_a_poor_encoder_and_one_too_good_are_named(tmp_path):
    results = load_tables(write_tables(tmp_path, uniqueness=(0, 4)))
    encoders = results.encoders.copy()
    second = (encoders["view"] == 2) & (encoders["uniqueness"] == 4)
    encoders.loc[second, "valid_accuracy"] -= 0.05
    # Five standard errors of an accuracy of about .7 on 9,831 samples, on the balanced task.
    place = encoders.index[second & (encoders["task"] == "balanced")][0]
    encoders.loc[place, "test_accuracy"] = encoders.loc[place, "bayes_accuracy"] + 5 * 0.00459
    accuracy, ceiling = check_sentences(check_statistics(replace(results, encoders=encoders)))
    assert "3 are met" in accuracy
    assert "(view 2, U\u00a0=\u00a04)" in accuracy
    assert ceiling.startswith("Some of the")
    assert "synergy held at zero, view 2" in ceiling


def test_a_study_without_the_published_cells_says_so(tmp_path):
    results = load_tables(write_tables(tmp_path, transform_depths=(9,), depths=(5,)))
    table = check_statistics(results)
    rows = table[table["question"] == "validation_accuracy"]
    assert (rows["reason"] == "none of the published cells was run").all()
    assert check_sentences(table)[0].startswith("None of the")
