"""Every answer of a study of captions, one row each, beside the published number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..intervals import LEVEL, Estimate
from .crossed import RESAMPLES, crossed_estimate, resamples_models
from .per_caption import correlation_beyond_means, rank_correlation, slope_over_levels
from .per_model import over_models, slope, spearman
from .published import ALIGNMENT_PERFORMANCE, ALIGNMENT_UNIQUENESS, DINOV2_RANGE
from .results import CaptionResults

#: Questions.
UNIQUENESS = "alignment_uniqueness"
OVERLAP_UNIQUENESS = "overlap_uniqueness"
RANGE = "alignment_range"
PERFORMANCE = "alignment_performance"
PERFORMANCE_POOLED = "alignment_performance_pooled"
OVERLAP_PERFORMANCE = "overlap_performance"

COLUMNS = {
    "question": "string",
    "family": "string",
    "vision_model": "string",
    "level": "Int64",
    "statistic": "string",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "interval": "float64",
    "published": "float64",
    "difference": "float64",
    "language_models": "int64",
    "captions": "int64",
    "resampled": "string",
    "reason": "string",
}
_OVER_MODELS = "language models"


def caption_statistics(results: CaptionResults, *, resamples: int = RESAMPLES) -> pd.DataFrame:
    """All statistics of a study, with bootstrap intervals. Deterministic.

    ``vision_model`` is empty where vision models of a family are averaged. ``question``:

    alignment_uniqueness: best alignment against U over levels and language models. ``spearman``;
        ``spearman_changed`` without the originals, as published; ``spearman_given_length`` given
        the mean log length of a level's captions.
    overlap_uniqueness: the change of a caption's overlap of neighbours from U = 0 to 100,
        ``slope``, and at equal length, ``slope_given_length``.
    alignment_range: ``highest`` and ``lowest`` best alignment of a level.
    alignment_performance: best alignment against performance (minus mean bits per byte) over
        language models at one level: ``slope``, ``spearman``.
    alignment_performance_pooled: over levels and language models: ``spearman``, and
        ``spearman_given_length`` given the mean log length.
    overlap_performance: over captions at one level. ``spearman`` and ``spearman_given_length``,
        means over language models; ``beyond_means``, what caption and model do not explain.

    ``published`` is there where the published numbers are of as many captions and neighbours.
    ``resampled`` says what a replicate draws; an interval over captions alone says nothing of
    other language models.
    """
    # Products of small matrices, which threads only slow down.
    with threadpool_limits(1, "blas"):
        rows = _rows(results, resamples)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["vision_model"] = table["vision_model"].fillna("")
    table["reason"] = table["reason"].fillna("")
    table["interval"] = LEVEL
    table["language_models"] = len(results.language_models)
    table["captions"] = results.n
    table["difference"] = table["value"] - table["published"].astype(float)
    return table.astype(COLUMNS)


def _rows(results: CaptionResults, resamples: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for family, vision_models in results.families.items():
        for vision_model in vision_models:
            own = _of_models(results, family, [vision_model], resamples)
            # Published are means over the sizes of a family.
            rows += [{**row, "vision_model": vision_model, "published": np.nan} for row in own]
        rows += _of_models(results, family, vision_models, resamples)
        rows += _of_captions(results, family, vision_models, resamples)
        rows += _ranges(results, family, vision_models)
    return rows


def _of_models(
    results: CaptionResults, family: str, vision_models: list[str], resamples: int
) -> Iterator[dict[str, Any]]:
    """Correlations of best alignments, averaged over the vision models."""
    models = np.arange(len(results.language_models))
    alignment, performance = [], []
    for level in results.levels:
        pairs = [results.alignment(level, vision_model) for vision_model in vision_models]
        alignment.append(np.stack([own for own, _ in pairs]))
        performance.append(pairs[0][1])
    published = results.as_published
    size = len(models)
    for place, level in enumerate(results.levels):
        known = ALIGNMENT_PERFORMANCE.get(family, {}).get(level) if published else None
        for number, (name, of) in enumerate((("slope", slope), ("spearman", spearman))):
            found = over_models(
                of, alignment[place], performance[place], models, resamples=resamples
            )
            yield _row(PERFORMANCE, family, name, found, level, known[number] if known else np.nan)
    changed = [place for place, level in enumerate(results.levels) if level > 0]
    for name, places, known in (
        ("spearman", list(range(len(results.levels))), np.nan),
        ("spearman_changed", changed, ALIGNMENT_UNIQUENESS.get(family, np.nan)),
    ):
        levels = np.repeat([results.levels[place] for place in places], size).astype(float)
        y = np.concatenate([alignment[place] for place in places], axis=1)
        of_points = np.tile(models, len(places))
        found = over_models(spearman, y, levels, of_points, resamples=resamples)
        yield _row(UNIQUENESS, family, name, found, None, known if published else np.nan)
    levels = np.repeat(results.levels, size).astype(float)
    y, of_points = np.concatenate(alignment, axis=1), np.tile(models, len(results.levels))
    length = np.repeat([results.mean_log_length[level] for level in results.levels], size)[None]
    pooled = np.concatenate(performance)
    for question, x in ((UNIQUENESS, levels), (PERFORMANCE_POOLED, pooled)):
        if question == PERFORMANCE_POOLED:
            found = over_models(spearman, y, x, of_points, resamples=resamples)
            yield _row(question, family, "spearman", found)
        found = over_models(spearman, y, x, of_points, length, resamples=resamples)
        yield _row(question, family, "spearman_given_length", found)


def _of_captions(
    results: CaptionResults, family: str, vision_models: list[str], resamples: int
) -> Iterator[dict[str, Any]]:
    """What single captions say of the family: overlaps are means over its vision models."""
    models = len(results.language_models)
    overlap = np.stack([results.overlap(level, vision_models) for level in results.levels])
    length = np.log(np.stack([results.lengths(level) for level in results.levels]))
    levels = np.array(results.levels, float)
    over = "captions and language models" if resamples_models(models) else "captions"
    for name, given in (("slope", None), ("slope_given_length", length)):
        found = crossed_estimate(
            slope_over_levels(levels, overlap, given), results.n, models, resamples=resamples
        )
        yield {**_row(OVERLAP_UNIQUENESS, family, name, found), "resampled": over}
    for place, level in enumerate(results.levels):
        bits = results.bits(level)
        whole = np.isfinite(bits).all(axis=0)
        y, p, z = overlap[place][:, whole], -bits[:, whole], length[place][whole]
        for name, statistic in (
            ("spearman", rank_correlation),
            ("spearman_given_length", rank_correlation),
            ("beyond_means", correlation_beyond_means),
        ):
            found = Estimate(np.nan, np.nan, np.nan, "too few captions have bits per byte")
            if len(z) > 3:
                controls = (z,) if name == "spearman_given_length" else ()
                found = crossed_estimate(
                    statistic(y, p, *controls), len(z), models, resamples=resamples
                )
            yield {**_row(OVERLAP_PERFORMANCE, family, name, found, level), "resampled": over}


def _ranges(
    results: CaptionResults, family: str, vision_models: list[str]
) -> Iterator[dict[str, Any]]:
    for level in results.levels:
        own = np.stack([results.alignment(level, name)[0] for name in vision_models])
        known = (np.nan, np.nan)
        if results.as_published and family == "DINOv2":
            known = DINOV2_RANGE.get(level, known)
        for name, value, told in (
            ("highest", own.max(), known[0]),
            ("lowest", own.min(), known[1]),
        ):
            found = Estimate(float(value), np.nan, np.nan)
            yield {**_row(RANGE, family, name, found, level, told), "resampled": ""}


def _row(
    question: str,
    family: str,
    statistic: str,
    found: Estimate,
    level: int | None = None,
    published: float = np.nan,
) -> dict[str, Any]:
    return {
        "question": question,
        "family": family,
        "level": level,
        "statistic": statistic,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "published": published,
        "resampled": _OVER_MODELS,
        "reason": found.reason,
    }
