"""Which encoders are compared, and what the table says of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmalign.analysis import correlations as full_correlations
from mmalign.analysis import write_correlations
from mmalign.analysis.comparisons import best_encoder, comparisons
from mmalign.analysis.correlations import COLUMNS
from mmalign.study import load_results

from .stored_study import CHANCE, write_study

KEY = ["metric", "options", "view_a", "view_b", "varied_view", "relation", "statistic"]


def correlations(results):
    """Few resamples: what is tested here is which numbers meet, not how sure they are."""
    return full_correlations(results, resamples=499)


def rising(view, depth, seed):
    return 0.6 + 0.05 * depth + 0.013 * seed + (0.001 * depth * seed if view == "image" else 0.004)


@pytest.fixture
def results(tmp_path):
    noise = np.random.default_rng(1)
    write_study(
        tmp_path, accuracy=rising, score=lambda a, b: (a + b) / 4 + 0.02 * noise.standard_normal()
    )
    return load_results(tmp_path)


def row(table, metric, varied, relation, statistic):
    chosen = table[
        (table["metric"] == metric)
        & (table["varied_view"] == varied)
        & (table["relation"] == relation)
        & (table["statistic"] == statistic)
    ]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_one_row_a_question_in_the_promised_columns(results):
    table = correlations(results)
    assert list(table.columns) == list(COLUMNS)
    assert not table.duplicated(KEY).any()
    # Two metrics x (two views x 8 statistics + all pairs x 4).
    assert len(table) == 2 * (2 * 8 + 4)
    assert (table["reason"] == "").all()
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert (table["level"] == 0.95).all()


def test_each_view_is_compared_with_the_best_validated_encoder_of_the_other(results):
    table = correlations(results)
    encoders, measured = results.encoders, results.alignments
    best_audio = encoders[encoders["view"] == "audio"].nlargest(1, "valid_accuracy").iloc[0]
    chosen = measured[
        (measured["metric"] == "cka") & (measured["cell_b"] == best_audio["cell"])
    ].merge(encoders, left_on="cell_a", right_on="cell")
    assert len(chosen) == 8
    found = row(table, "cka", "image", "alignment_performance", "spearman")
    assert found["reference"] == best_audio["cell"]
    assert found["n"] == found["encoders"] == 8
    wanted = stats.spearmanr(chosen["score"], chosen["test_accuracy"]).statistic
    assert found["value"] == pytest.approx(wanted)
    found = row(table, "cka", "image", "alignment_depth", "pearson")
    assert found["value"] == pytest.approx(stats.pearsonr(chosen["score"], chosen["depth"])[0])
    found = row(table, "cka", "image", "performance_depth", "pearson")
    wanted = stats.pearsonr(chosen["test_accuracy"], chosen["depth"])[0]
    assert found["value"] == pytest.approx(wanted)
    assert found["best_alignment"] == chosen["score"].max()


def test_only_the_partial_correlations_of_one_view_come_with_a_test_at_equal_depth(results):
    table = correlations(results)
    tested = table["statistic"].str.startswith("partial") & (table["varied_view"] != "both")
    assert table[tested]["p_equal_depth"].between(0.1, 1).all(), "2/16 is the least of 16 orders"
    assert (table[tested]["equal_depth_orders"] == 16).all()
    assert table[~tested][["p_equal_depth", "equal_depth_orders"]].isna().all(axis=None)


def test_all_pairs_are_set_against_their_mean_accuracy(results):
    table = correlations(results)
    accuracy = results.encoders.set_index("cell")["test_accuracy"]
    measured = results.alignments[results.alignments["metric"] == "mutual_knn"]
    mean = (measured["cell_a"].map(accuracy) + measured["cell_b"].map(accuracy)) / 2
    found = row(table, "mutual_knn", "both", "alignment_performance", "pearson")
    assert found["value"] == pytest.approx(stats.pearsonr(measured["score"], mean)[0])
    assert (found["n"], found["encoders"]) == (64, 16)
    assert pd.isna(found["reference"])


def test_chance_and_the_number_of_layer_pairs_stand_beside_the_score(results):
    table = correlations(results)
    found = row(table, "mutual_knn", "both", "alignment_performance", "spearman")
    assert found["chance"] == pytest.approx(CHANCE["mutual_knn"])
    assert found["most_layer_pairs"] == 16
    pairs = dataclasses.replace(results, alignments=results.alignments.assign(undefined_pairs=1))
    assert correlations(pairs)["most_layer_pairs"].max() == 15


def test_the_order_of_the_views_in_an_alignment_does_not_matter(results):
    swap = {
        f"{name}_{side}": f"{name}_{other}"
        for name in ("cell", "view", "depth", "seed", "layer")
        for side, other in ("ab", "ba")
    }
    turned = dataclasses.replace(results, alignments=results.alignments.rename(columns=swap))
    pd.testing.assert_frame_equal(correlations(results), correlations(turned))


def test_the_table_is_the_same_every_time_and_pandas_opens_it(results, tmp_path):
    measured = results.alignments[results.alignments["metric"] == "cka"]
    results = dataclasses.replace(results, alignments=measured)
    first = write_correlations(results)
    before = first.read_bytes()
    assert write_correlations(results).read_bytes() == before
    assert first == tmp_path / "correlations.parquet"
    pd.testing.assert_frame_equal(
        pd.read_parquet(first).astype(COLUMNS), full_correlations(results)
    )


def test_of_equally_good_encoders_the_shallowest_is_the_reference():
    encoders = pd.DataFrame(
        {
            "cell": ["d", "c", "b", "a"],
            "depth": [3, 2, 2, 1],
            "seed": [0, 1, 0, 0],
            "valid_accuracy": [0.9, 0.9, 0.9, 0.8],
        }
    )
    assert best_encoder(encoders)["cell"] == "b"
    assert best_encoder(encoders.assign(valid_accuracy=np.nan)) is None
    missing = encoders.assign(valid_accuracy=[np.nan, np.nan, np.nan, 0.1])
    assert best_encoder(missing)["cell"] == "a"


def test_constant_accuracy_has_no_correlation_and_says_so(tmp_path):
    noise = np.random.default_rng(0)
    write_study(
        tmp_path, accuracy=lambda *_: 1.0, score=lambda a, b: 0.3 + 0.1 * noise.standard_normal()
    )
    table = correlations(load_results(tmp_path))
    with_accuracy = table[table["relation"] != "alignment_depth"]
    assert with_accuracy[["value", "low", "high"]].isna().all(axis=None)
    assert (with_accuracy["reason"] == "accuracy is the same for all points").all()
    assert table[table["relation"] == "alignment_depth"]["value"].notna().all()


def test_one_depth_leaves_nothing_to_control(tmp_path):
    noise = np.random.default_rng(0)
    write_study(
        tmp_path,
        accuracy=lambda view, depth, seed: 0.8 + 0.01 * noise.standard_normal(),
        score=lambda a, b: a * b,
        depths=(2,),
        seeds=range(8),
    )
    table = correlations(load_results(tmp_path))
    partial = table[table["statistic"].str.startswith("partial")]
    assert (partial["reason"] == "depth does not vary").all()
    assert row(table, "cka", "image", "alignment_performance", "spearman")["low"] > 0
    depth = row(table, "cka", "image", "performance_depth", "spearman")
    assert depth["reason"] == "depth is the same for all points"


def test_three_encoders_a_view_are_too_few(tmp_path):
    write_study(tmp_path, accuracy=rising, score=lambda a, b: a * b, seeds=(0,), depths=(1, 2, 3))
    table = correlations(load_results(tmp_path))
    assert table["value"].isna().all()
    both = table["varied_view"] == "both"
    assert table[~both]["reason"].str.contains("only 3 points").all()
    assert table[both]["reason"].str.contains("only 3 encoders of one view").all()


def test_missing_scores_and_accuracies_are_named(results):
    scores = results.alignments["score"].where(results.alignments.index != 0)
    table = correlations(
        dataclasses.replace(results, alignments=results.alignments.assign(score=scores))
    )
    found = row(table, "mutual_knn", "both", "alignment_performance", "pearson")
    assert found["reason"] == "alignment is not a number for 1 of 64 points"
    assert row(table, "cka", "both", "alignment_performance", "pearson")["reason"] == ""
    unvalidated = results.encoders["valid_accuracy"].where(results.encoders["view"] == "audio")
    table = correlations(
        dataclasses.replace(results, encoders=results.encoders.assign(valid_accuracy=unvalidated))
    )
    found = row(table, "cka", "audio", "alignment_performance", "pearson")
    assert found["reason"] == "no encoder of the other view has a validation accuracy"
    assert found["n"] == 0
    assert row(table, "cka", "image", "alignment_performance", "pearson")["n"] == 8


def test_nothing_measured_is_an_empty_table_with_all_columns(results):
    table = correlations(dataclasses.replace(results, alignments=results.alignments.iloc[:0]))
    assert table.empty
    assert list(table.columns) == list(COLUMNS)


def test_alignments_within_one_view_are_left_out(results):
    within = results.alignments.assign(view_b="image")
    assert list(comparisons(dataclasses.replace(results, alignments=within))) == []
