"""Every branch of the sentence, from intervals written by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from mmalign.analysis import conclude

UP, DOWN, OPEN = (0.81, 0.52, 0.93), (-0.7, -0.9, -0.3), (0.25, -0.2, 0.7)
NONE = (float("nan"),) * 3
WHY = "accuracy is the same for all points"


def partial_row(statistic, view):
    return statistic == "partial_spearman" and view != "both"


def table(
    image,
    audio,
    *,
    given_depth=(OPEN, OPEN),
    pooled=None,
    metric="mutual_knn",
    options='{"k":10}',
    best=0.3,
    chance=0.01,
    layer_pairs=16,
    p=0.01,
    orders=1296.0,
):
    rows = []
    pooled = image if pooled is None else pooled
    for view, alone, partial in (
        ("image", image, given_depth[0]),
        ("audio", audio, given_depth[1]),
        ("both", pooled, OPEN),
    ):
        for statistic, (value, low, high) in (("spearman", alone), ("partial_spearman", partial)):
            rows.append(
                {
                    "metric": metric,
                    "options": options,
                    "view_a": "image",
                    "view_b": "audio",
                    "varied_view": view,
                    "relation": "alignment_performance",
                    "statistic": statistic,
                    "value": value,
                    "low": low,
                    "high": high,
                    "n": 64 if view == "both" else 8,
                    "best_alignment": best,
                    "chance": chance,
                    "most_layer_pairs": layer_pairs,
                    "reason": WHY if value != value else "",
                    "p_equal_depth": p if partial_row(statistic, view) else float("nan"),
                    "equal_depth_orders": orders if partial_row(statistic, view) else float("nan"),
                }
            )
    return pd.DataFrame(rows)


def said(*args, **kwargs):
    found = conclude(table(*args, **kwargs), data="these digits")
    return found.sentence.replace("\u00a0", " "), [
        note.replace("\u00a0", " ") for note in found.notes
    ]


def test_both_views_better_and_still_so_given_depth():
    sentence, notes = said(UP, UP, given_depth=(UP, UP))
    assert sentence == (
        "On these digits, encoders that align more with the other view also classify better "
        "(image encoders: Spearman .81, 95% interval .52 to .93, n = 8; audio encoders: Spearman "
        ".81, 95% interval .52 to .93, n = 8); once depth is accounted for, this still holds."
    )
    assert len(notes) == 1
    assert notes[0].startswith("Each alignment is the highest of up to 16 layer pairs.")


def test_both_views_worse():
    sentence, _ = said(DOWN, DOWN)
    assert "encoders that align more with the other view classify worse (" in sentence
    assert "Spearman −.70, 95% interval −.90 to −.30" in sentence
    assert sentence.endswith("; once depth is accounted for, the data no longer tell.")


def test_the_data_do_not_tell():
    sentence, _ = said(OPEN, OPEN)
    assert sentence == (
        "On these digits, the data do not tell whether encoders that align more with the other "
        "view classify better (image encoders: Spearman .25, 95% interval −.20 to .70, n = 8; "
        "audio encoders: Spearman .25, 95% interval −.20 to .70, n = 8)."
    )


def test_an_interval_that_ends_at_zero_does_not_tell():
    sentence, _ = said((0.5, 0.0, 0.9), (-0.5, -0.9, 0.0))
    assert "the data do not tell" in sentence


def test_the_views_disagree():
    sentence, notes = said(DOWN, UP, given_depth=(OPEN, UP))
    assert sentence.startswith(
        "On these digits, the views disagree: audio encoders that align more with the other view "
        "also classify better (Spearman .81, 95% interval .52 to .93, n = 8), while image encoders "
        "that align more with the other view classify worse (Spearman −.70"
    )
    assert sentence.endswith(
        "; once depth is accounted for, this still holds for audio encoders, and the data no "
        "longer tell for image encoders."
    )
    assert notes[0].startswith("Over all 64 pairs of image and audio encoders, better aligned")


def test_one_view_tells_and_the_other_does_not():
    sentence, _ = said(OPEN, UP)
    assert "disagree" not in sentence
    assert "audio encoders that align more" in sentence
    assert "while for image encoders the data do not tell (Spearman .25" in sentence


def test_what_cannot_be_computed_gives_its_reason():
    sentence, _ = said(NONE, NONE, given_depth=(NONE, NONE))
    assert "it cannot be computed whether encoders that align more" in sentence
    assert f"image encoders: {WHY}" in sentence
    sentence, _ = said(UP, NONE, given_depth=(UP, NONE))
    assert f"while for audio encoders it cannot be computed ({WHY})" in sentence
    assert sentence.endswith("this still holds for image encoders.")


@pytest.mark.parametrize(
    ("alone", "partial", "text"),
    [
        (UP, UP, "this still holds"),
        (DOWN, DOWN, "this still holds"),
        (UP, DOWN, "the direction turns round"),
        (UP, OPEN, "the data no longer tell"),
        (UP, NONE, "nothing can be computed"),
        (OPEN, UP, "more alignment does go with better classification"),
        (OPEN, DOWN, "more alignment goes with worse classification"),
    ],
)
def test_what_depth_leaves(alone, partial, text):
    sentence, _ = said(alone, alone, given_depth=(partial, partial))
    assert sentence.endswith(f"; once depth is accounted for, {text}.")


@pytest.mark.parametrize("p", [0.06, float("nan")])
def test_what_encoders_of_equal_depth_do_not_bear_out_does_not_hold(p):
    sentence, _ = said(UP, UP, given_depth=(UP, UP), p=p)
    assert sentence.endswith("; once depth is accounted for, the data no longer tell.")
    assert "depth" not in said(OPEN, OPEN, given_depth=(UP, UP), p=p)[0]


def test_too_few_seeds_to_tell_are_said():
    _, notes = said(UP, UP, p=0.125, orders=16.0)
    assert notes[0] == (
        "There are too few encoders of equal depth to say what alignment adds to depth; more seeds "
        "would tell."
    )
    assert not any("seeds" in note for note in said(UP, UP, orders=40.0)[1])
    assert not any("seeds" in note for note in said(UP, UP, orders=float("nan"))[1])


@pytest.mark.parametrize("partial", [OPEN, NONE])
def test_nothing_is_said_of_depth_where_it_changes_nothing(partial):
    assert "depth" not in said(OPEN, OPEN, given_depth=(partial, partial))[0]


def test_alignment_at_chance_is_said():
    _, notes = said(UP, UP, best=0.009, chance=0.01)
    assert notes[0] == (
        "The alignment is not above chance: the best mutual nearest neighbours (k = 10) found is "
        ".009, and unrelated representations reach .010 on average."
    )
    assert not any("chance:" in note for note in said(UP, UP, best=0.02, chance=0.01)[1])
    assert not any("chance:" in note for note in said(UP, UP, chance=float("nan"))[1])


@pytest.mark.parametrize(
    ("pooled", "text"),
    [
        (DOWN, "better aligned pairs have the lower mean accuracy (Spearman −.70"),
        (OPEN, "the data do not tell whether better aligned pairs are more accurate (Spearman"),
        (NONE, f"no correlation can be computed ({WHY})"),
    ],
)
def test_all_pairs_are_mentioned_where_they_say_something_else(pooled, text):
    _, notes = said(UP, UP, pooled=pooled)
    assert f"Over all 64 pairs of image and audio encoders, {text}" in notes[0]
    assert not any("Over all" in note for note in said(UP, UP, pooled=UP)[1])


def test_other_metrics_agree_or_not():
    cka = {"metric": "cka", "options": '{"kernel":"linear","sigma":null,"unbiased":true}'}
    same = pd.concat([table(UP, UP), table(UP, UP, **cka)], ignore_index=True)
    assert "Measured with linear CKA (unbiased), the answer is the same." in conclude(same).notes
    differs = pd.concat([table(UP, UP), table(OPEN, UP, **cka)], ignore_index=True)
    note = next(note for note in conclude(differs).notes if "CKA" in note)
    assert note.startswith("Measured with linear CKA (unbiased), the answer differs: audio ")
    assert "for image encoders the data do not tell" in note


def test_of_three_views_it_is_said_which_was_compared_with_which():
    with_text = table(UP, UP).replace({"view_b": "audio", "varied_view": "audio"}, "text")
    sentence = conclude(pd.concat([table(UP, UP), with_text], ignore_index=True)).sentence
    for who in ("image encoders against audio", "image encoders against text"):
        assert f"{who}: Spearman" in sentence


def test_of_many_comparisons_it_is_said_how_many_answer_how():
    with_text = table(DOWN, NONE).replace({"view_b": "audio", "varied_view": "audio"}, "text")
    sentence = conclude(pd.concat([table(UP, OPEN), with_text], ignore_index=True)).sentence
    assert sentence.replace("\u00a0", " ").startswith(
        "On this data, encoders that align more with another view classify better in 1 of 4 "
        "comparisons (image encoders against audio: Spearman .81, 95% interval .52 to .93, n = 8) "
        "and worse in 1 of 4 comparisons (image encoders against text: Spearman −.70, 95% interval "
        "−.90 to −.30, n = 8), while in 1 the data do not tell and in 1 nothing can be computed; "
        "once depth is accounted for, "
    )


def test_of_many_comparisons_none_may_tell():
    with_text = table(OPEN, OPEN).replace({"view_b": "audio", "varied_view": "audio"}, "text")
    sentence = conclude(pd.concat([table(OPEN, OPEN), with_text], ignore_index=True)).sentence
    assert sentence == (
        "On this data, in none of 4 comparisons is it known whether encoders that align more with "
        "another view classify better: in 4 the data do not tell."
    )


def test_one_layer_pair_is_no_maximum():
    assert said(UP, UP, layer_pairs=1)[1] == []


def test_nothing_was_measured():
    empty = conclude(table(UP, UP).iloc[:0])
    assert empty.sentence == (
        "On this data, no alignment between two views was measured, so nothing can be said about "
        "whether it goes with performance."
    )
