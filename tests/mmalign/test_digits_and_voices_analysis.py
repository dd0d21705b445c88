from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmalign.analysis.digits_and_voices import answers, headline, statistics_table
from mmalign.analysis.digits_and_voices.axes import trend, weighted_means
from mmalign.analysis.digits_and_voices.performance import label_given_view
from mmalign.analysis.digits_and_voices.statistics import why_nothing_to_predict
from mmalign.data.digits_and_voices import BALANCES, ground_truth

from .tiny_digits_and_voices import points_by_hand

RESAMPLES = 400


def falling(name: str, view: str) -> float:
    return 2.0 - BALANCES[name].uniqueness


def lower(name: str, view: str) -> float:
    return 0.4 - 0.1 * BALANCES[name].uniqueness


@pytest.fixture(scope="module")
def points() -> pd.DataFrame:
    return points_by_hand(falling, lower)


@pytest.fixture(scope="module")
def table(points) -> pd.DataFrame:
    return statistics_table(points, resamples=RESAMPLES)


def row(table: pd.DataFrame, **wanted: str) -> pd.Series:
    found = table[np.logical_and.reduce([table[key] == value for key, value in wanted.items()])]
    assert len(found) == 1
    return found.iloc[0]


def test_correlations_are_spearmans_over_the_encoders_of_a_view(points, table):
    own = points.query("metric == 'cka' and balance == 'digit' and view == 'audio'")
    found = row(
        table,
        question="alignment_performance",
        metric="cka",
        balance="digit",
        view="audio",
        statistic="spearman",
    )
    expected = stats.spearmanr(own["alignment"], own["performance"]).statistic
    assert found["value"] == pytest.approx(expected)
    assert found["low"] < found["value"] < found["high"]
    assert found["n"] == 16


def test_what_a_view_cannot_know_has_no_correlation_but_a_reason(table):
    rows = table[(table["question"] == "alignment_performance") & (table["metric"] == "cka")]
    empty = rows[rows["value"].isna()]
    expected = {("voice", "image"), ("both", "image"), ("both", "audio")}
    assert set(zip(empty["balance"], empty["view"], strict=True)) == expected
    assert empty["reason"].str.match("nothing to predict, as the (picture|sound) alone").all()
    assert (rows.loc[rows["value"].notna(), "reason"] == "").all()
    shares = table[(table["question"] == "performance") & (table["metric"] == "cka")]
    without = shares[shares["value"].isna()]
    assert set(zip(without["balance"], without["view"], strict=True)) == expected


def test_encoders_within_noise_of_chance_have_nothing_to_predict(points):
    at = points.query("metric == 'cka' and balance == 'unique-3' and view == 'image'").copy()
    assert why_nothing_to_predict(at) == ""
    at["expected"], at["error"] = 0.14, 0.01
    assert why_nothing_to_predict(at) == (
        "nothing to predict, as no picture encoder does better than chance"
    )
    at["error"] = 0.004
    assert why_nothing_to_predict(at) == ""


def test_trends_have_the_slopes_they_were_made_with(table):
    for view in ("image", "audio"):
        found = row(
            table,
            question="alignment_trend",
            axis="uniqueness",
            metric="mutual_knn",
            view=view,
        )
        assert found["value"] == pytest.approx(-0.1)
        # The encoders are the same draw at every balance, so that nothing but rounding varies.
        assert (found["low"], found["high"]) == pytest.approx((-0.1, -0.1))
        relation = row(
            table,
            question="correlation_trend",
            axis="uniqueness",
            metric="mutual_knn",
            view=view,
        )
        assert relation["value"] < relation["high"] < 0
    synergy = row(table, question="correlation_trend", axis="synergy", metric="cka", view="image")
    assert synergy["n"] == 3  # where both digits are needed there is nothing to predict


def test_too_few_levels_or_encoders_have_no_trend(points):
    own = points.query("metric == 'cka' and view == 'image'")
    levels = {
        place: own[own["balance"] == name].reset_index(drop=True)
        for place, name in enumerate(("digit", "unique-1", "unique-2"))
    }
    two = {place: levels[place] for place in (0, 1)}
    assert "at least 3" in trend(two, correlation=False, resamples=9).reason
    few = {place: table.iloc[:3] for place, table in levels.items()}
    assert trend(few, correlation=False, resamples=9).reason.startswith("only 3 encoders")
    unlike = {**levels, 2: levels[2].iloc[1:]}
    assert "different encoders" in trend(unlike, correlation=False, resamples=9).reason
    assert "at least 4" in weighted_means(np.ones(3), 9).reason


def test_answers_follow_the_intervals(table):
    text = headline(table)
    assert text.startswith("On these digits and voices, alignment falls with uniqueness; ")
    assert "classify better for U\u00a0=\u00a00 (the digit), U\u00a0=\u00a01" in text
    assert "classify worse for U\u00a0=\u00a03" in text
    assert "there is nothing to predict for the sum of two digits" in text
    found = {one.question: one.sentence for one in answers(table)}
    prediction = found["Does alignment predict performance?"]
    assert "The data do not tell for U\u00a0=\u00a02" in prediction
    falls = found["Does alignment fall with uniqueness?"]
    assert "changes it by pictures −.100 (−.100 to −.100), sounds −.100" in falls
    assert "Means along the way: pictures .393, .293, .193, .093;" in falls
    assert "Above chance, of 16 encoders: pictures 16, 16, 16, 16;" in falls
    assert found["Does the relation weaken with uniqueness?"].startswith("The correlation falls")
    assert found["And with linear CKA (unbiased)?"].startswith("The same verdicts on")


def test_what_is_left_given_depth_must_be_borne_out_by_equal_depth(table):
    doubtful = table.copy()
    rows = (doubtful["statistic"] == "partial_spearman") & doubtful["value"].notna()
    doubtful.loc[rows, ["value", "low", "high", "p"]] = (0.8, 0.5, 0.9, 0.2)
    sure = doubtful.copy()
    sure.loc[rows, "p"] = 0.01
    texts = [answers(one)[1].sentence for one in (doubtful, sure)]
    assert texts[0].startswith("The data do not tell for U\u00a0=\u00a00 (the digit): pictures .80")
    assert texts[1].startswith("Better aligned encoders classify better for U\u00a0=\u00a00")
    assert all("pictures .80 (.50 to .90)" in text for text in texts)


def test_a_second_metric_is_compared_on_every_question(table):
    other = table.copy()
    cka, told = other["metric"] == "cka", other["value"].notna()
    for question, wanted in (
        ("alignment_performance", other["statistic"] == "partial_spearman"),
        ("correlation_trend", other["axis"] == "uniqueness"),
    ):
        rows = cka & told & wanted & (other["question"] == question) & (other["view"] == "audio")
        other.loc[rows, ["value", "low", "high", "p"]] = (0.8, 0.5, 0.9, 0.01)
    text = answers(other)[-1].sentence
    assert "U\u00a0=\u00a02, sound encoders given depth: above zero (.80, .50 to .90)" in text
    trend_words = "the trend of the correlation with uniqueness, sound encoders: above zero"
    assert trend_words in text
    assert "picture encoders" not in text
    assert "the trend of alignment" not in text


def test_answers_turn_with_the_data():
    turned = points_by_hand(
        lambda name, view: -2.0 if view == "image" else 2.0,
        lambda name, view: 0.1 + (0.1 if view == "audio" else -0.02) * BALANCES[name].uniqueness,
        balances=("digit", "unique-1", "unique-2"),
    )
    turned.loc[turned["metric"] == "cka", "alignment"] *= -1
    table = statistics_table(turned, resamples=RESAMPLES)
    text = headline(table)
    assert "for picture encoders alignment falls, for sound encoders alignment rises" in text
    assert "not for both views" in text
    found = {one.question: one.sentence for one in answers(table)}
    assert (
        "classify worse for U\u00a0=\u00a00 (the digit) for picture encoders: −"
        in (found["Does alignment predict performance?"])
    )
    assert "picture encoders: above zero" in found["And with linear CKA (unbiased)?"]
    assert "Does alignment fall with synergy?" not in found


def test_two_encoders_are_too_few_and_that_is_not_called_nothing_to_predict():
    few = points_by_hand(falling, lower, balances=("digit",), seeds=1, depths=2)
    table = statistics_table(few, resamples=9)
    assert (
        "only 2 points"
        in row(
            table,
            question="alignment_performance",
            metric="cka",
            balance="digit",
            view="image",
            statistic="spearman",
        )["reason"]
    )
    assert "nothing to predict" not in headline(table)


def test_equal_points_give_equal_tables(points, table):
    assert statistics_table(points.copy(), resamples=RESAMPLES).equals(table)


@pytest.mark.parametrize("view", ["image", "audio"])
@pytest.mark.parametrize("name", list(BALANCES))
def test_the_best_guess_from_a_view_reaches_its_ceiling(name, view):
    balance = BALANCES[name]
    seen, turn, heard, voice = (
        one.ravel() for one in np.meshgrid(range(8), range(4), range(8), range(8), indexing="ij")
    )
    possible = ((seen ^ heard) & ~balance.both_mask) == 0
    latents = pd.DataFrame({"seen": seen, "turn": turn, "heard": heard, "voice": voice})[possible]
    told = label_given_view(balance, view, latents)
    truth = ground_truth(balance)
    assert told.max(axis=1).mean() == pytest.approx(
        truth.bayes_1 if view == "image" else truth.bayes_2
    )
    label = balance.label(*latents.to_numpy().T)
    # The label that came out is among those thought possible.
    assert (told[np.arange(len(told)), label] > 0).all()
