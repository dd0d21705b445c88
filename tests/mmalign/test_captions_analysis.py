"""The statistics of captions, against plain definitions and against data with a known answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmalign.analysis.captions import CaptionResults, caption_statistics
from mmalign.analysis.captions.crossed import crossed_estimate
from mmalign.analysis.captions.per_caption import (
    correlation_beyond_means,
    rank_correlation,
    slope_over_levels,
)
from mmalign.analysis.captions.per_model import over_models, slope, spearman

LEVELS = np.array([0.0, 30.0, 100.0])


def ones(captions: int, models: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones((1, captions)), np.ones((1, models))


def small(seed: int = 0):
    """Overlap (levels, models, n), length (levels, n) and performance (models, n)."""
    generator = np.random.default_rng(seed)
    length = generator.normal(size=(3, 12)) + LEVELS[:, None] / 50
    overlap = generator.normal(size=(3, 4, 12)) - 0.5 * length[:, None]
    return overlap, length, generator.normal(size=(4, 12)) + overlap[0]


def by_least_squares(overlap: np.ndarray, length: np.ndarray | None) -> float:
    """The slope on U / 100 with a dummy variable for each caption and model."""
    levels, models, n = overlap.shape
    cell = np.tile(np.eye(models * n), (levels, 1))
    columns = [np.repeat(LEVELS / 100, models * n)]
    if length is not None:
        columns.append(np.repeat(length[:, None], models, axis=1).ravel())
    design = np.column_stack([*columns, cell])
    return float(np.linalg.lstsq(design, overlap.ravel(), rcond=None)[0][0])


def residual(values: np.ndarray, control: np.ndarray) -> np.ndarray:
    design = np.column_stack([control, np.ones(len(control))])
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]


def test_slopes_are_those_of_least_squares_within_captions():
    overlap, length, _ = small()
    for given in (None, length):
        found = slope_over_levels(LEVELS, overlap, given)(*ones(12, 4))
        assert found == pytest.approx(by_least_squares(overlap, given))


def test_rank_correlations_are_scipys():
    overlap, length, performance = small()
    plain = [stats.spearmanr(*rows).statistic for rows in zip(overlap[0], performance, strict=True)]
    assert rank_correlation(overlap[0], performance)(*ones(12, 4)) == pytest.approx(np.mean(plain))
    control = stats.rankdata(length[0])
    partial = [
        np.corrcoef(*(residual(stats.rankdata(row), control) for row in rows))[0, 1]
        for rows in zip(overlap[0], performance, strict=True)
    ]
    found = rank_correlation(overlap[0], performance, length[0])(*ones(12, 4))
    assert found == pytest.approx(np.mean(partial))


def test_what_caption_and_model_explain_is_taken_away():
    overlap, _, performance = small()

    def centred(values):
        rows, columns = values.mean(axis=1, keepdims=True), values.mean(axis=0)
        return (values - rows - columns + values.mean()).ravel()

    expected = np.corrcoef(centred(overlap[0]), centred(performance))[0, 1]
    found = correlation_beyond_means(overlap[0], performance)
    assert found(*ones(12, 4)) == pytest.approx(expected)
    generator = np.random.default_rng(1)
    moved = overlap[0] + generator.normal(size=(4, 1)) + generator.normal(size=(1, 12))
    assert correlation_beyond_means(moved, performance)(*ones(12, 4)) == pytest.approx(expected)
    additive = generator.normal(size=(4, 1)) + generator.normal(size=(1, 12))
    assert np.isnan(correlation_beyond_means(additive, performance)(*ones(12, 4)))


@pytest.mark.parametrize("given", [False, True])
def test_counts_count_as_copies(given):
    overlap, length, performance = small()
    captions, models = np.random.default_rng(2).integers(0, 3, (1, 12)), np.array([[2, 0, 1, 1]])
    i, m = np.repeat(np.arange(12), captions[0]), np.repeat(np.arange(4), models[0])
    z = length if given else None
    statistic = slope_over_levels(LEVELS, overlap, z)(captions, models)
    copied = slope_over_levels(LEVELS, overlap[:, m][:, :, i], z[:, i] if given else None)
    assert statistic == pytest.approx(copied(*ones(len(i), len(m))))
    statistic = correlation_beyond_means(overlap[0], performance)(captions, models)
    copied = correlation_beyond_means(overlap[0][m][:, i], performance[m][:, i])
    assert statistic == pytest.approx(copied(*ones(len(i), len(m))))


def test_intervals_hold_the_truth_and_are_the_same_every_time():
    held = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        shared = generator.normal(size=(1, 80)) + generator.normal(size=(6, 1))
        overlap = shared + generator.normal(size=(6, 80))
        performance = shared + generator.normal(size=(6, 80))
        statistic = correlation_beyond_means(overlap, performance)
        found = crossed_estimate(statistic, 80, 6, resamples=400)
        held += found.low <= 0 <= found.high
    assert held >= 52
    assert found == crossed_estimate(statistic, 80, 6, resamples=400)


def test_few_models_are_not_drawn_anew():
    drawn = []

    def statistic(captions, models):
        drawn.append(models)
        return captions[:, 0]

    crossed_estimate(statistic, 20, 3, resamples=50)
    assert all((models == 1).all() for models in drawn)
    drawn.clear()
    crossed_estimate(statistic, 20, 4, resamples=50)
    assert (drawn[-1].sum(axis=1) == 4).all()
    assert (drawn[-1] != 1).any()


def test_statistics_over_models_are_scipys_averaged_over_vision_models():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=8), generator.normal(size=(3, 8))
    models = np.arange(8)
    expected = np.mean([stats.spearmanr(x, row).statistic for row in y])
    assert over_models(spearman, y, x, models, resamples=99).value == pytest.approx(expected)
    expected = np.mean([stats.linregress(x, row).slope for row in y])
    found = over_models(slope, y, x, models, resamples=99)
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high
    few = over_models(slope, y[:, :3], x[:3], models[:3], resamples=99)
    assert np.isnan(few.low)
    assert few.reason == "only 3 language models, at least 4 are needed"
    undefined = over_models(slope, y, np.where(models == 1, np.nan, x), models, resamples=99)
    assert np.isnan(undefined.value)
    assert undefined.reason == "a language model has no bits per byte"
    assert "does not vary" in over_models(spearman, y, np.ones(8), models, resamples=99).reason


def confounded(tmp_path: Path, n: int = 150, k: int = 10, family: str = "DINOv2", models: int = 5):
    """Overlap depends on length alone, and length rises with U; performance on both."""
    generator = np.random.default_rng(3)
    levels = [0, 50, 100]
    samples, alignments = [], []
    for level in levels:
        # Of one level, a caption may still be long or short.
        characters = np.exp(generator.normal(3.5 + level / 200, 0.4, n)).round() + 1
        chance = 1 / (1 + np.exp(0.8 * (np.log(characters) - 3.7)))
        for model in range(models):
            shared = generator.binomial(k, chance)
            bits = 4 - 0.4 * np.log(characters) - 0.1 * model + 0.1 * generator.normal(size=n)
            name = f"model-{model}"
            samples.append(
                pd.DataFrame(
                    {
                        "level": level,
                        "language_model": name,
                        "sample": np.arange(n),
                        "characters": characters,
                        "similarity": 1 - level / 200,
                        "bits_per_byte": bits,
                        "vit": shared,
                    }
                )
            )
            alignments.append(
                {
                    "level": level,
                    "language_model": name,
                    "vision_model": "vit",
                    "family": family,
                    "alignment": shared.mean() / k,
                    "layer_pairs": 4,
                    "chance": 0.1,
                    "n": n,
                    "bits_per_byte": bits.mean(),
                    "samples_with_bits": n,
                }
            )
    study = {"levels": levels, "k": k, "name": "captions", "captions": "sets.json"}
    study |= {"treatment": "as they are", "permutations": 20}
    return CaptionResults(tmp_path, study, pd.DataFrame(alignments), pd.concat(samples))


def row(table: pd.DataFrame, question: str, statistic: str, level=None) -> pd.Series:
    rows = table[(table["question"] == question) & (table["statistic"] == statistic)]
    rows = rows[rows["vision_model"] == ""]
    return (rows if level is None else rows[rows["level"] == level]).iloc[0]


def test_length_is_told_from_uniqueness(tmp_path):
    table = caption_statistics(confounded(tmp_path), resamples=400)
    assert row(table, "alignment_uniqueness", "spearman")["high"] < -0.5
    assert row(table, "overlap_uniqueness", "slope")["high"] < 0
    given = row(table, "overlap_uniqueness", "slope_given_length")
    assert given["low"] <= 0 <= given["high"]
    assert abs(given["value"]) < 0.02
    for level in (0, 50, 100):
        plain = row(table, "overlap_performance", "spearman", level)
        given = row(table, "overlap_performance", "spearman_given_length", level)
        assert plain["high"] < 0
        assert given["low"] <= 0 <= given["high"]
    assert (table["resampled"][table["question"].str.startswith("overlap")].str.len() > 20).all()
    assert table.equals(caption_statistics(confounded(tmp_path), resamples=400))


def test_published_numbers_stand_beside_the_published_setting_only(tmp_path):
    published = confounded(tmp_path, n=1024, models=2)
    published.study["levels"] = [0, 50, 100]
    table = caption_statistics(published, resamples=20)
    found = row(table, "alignment_performance", "spearman", 50)
    assert found["published"] == 0.9
    assert found["difference"] == pytest.approx(found["value"] - 0.9)
    assert row(table, "alignment_range", "lowest", 100)["published"] == 0.051
    assert row(table, "alignment_uniqueness", "spearman_changed")["published"] == -0.95
    assert np.isnan(row(table, "alignment_uniqueness", "spearman")["published"])
    assert row(table, "alignment_uniqueness", "spearman")["reason"].startswith("only 2 language")
    for other in (
        confounded(tmp_path, n=1000, models=2),
        confounded(tmp_path, n=1024, k=5, models=2),
        confounded(tmp_path, n=1024, family="mine", models=2),
    ):
        assert caption_statistics(other, resamples=20)["published"].isna().all()
