"""The facts and tables of a caption study's report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...analysis.captions import CaptionResults
from ...analysis.captions.statistics import (
    OVERLAP_PERFORMANCE,
    OVERLAP_UNIQUENESS,
    PERFORMANCE,
    PERFORMANCE_POOLED,
    UNIQUENESS,
)
from ...analysis.labels import decimal, joined
from .answers import of_families

NONE = "–"


def facts(results: CaptionResults) -> list[tuple[str, str]]:
    """What was compared, as terms and their text."""
    study, alignments = results.study, results.alignments
    families = [f"{name} ({joined(models)})" for name, models in results.families.items()]
    pairs = sorted(alignments["layer_pairs"].unique())
    told = [
        ("Captions", f"{results.n} of {study['captions']}, U = {_levels(results.levels)}"),
        ("Vision models", "; ".join(families)),
        ("Language models", joined(results.language_models)),
        (
            "Alignment",
            f"mutual nearest neighbours (k = {study['k']}, cosine) of the best pair of layers, "
            f"of {joined_range(pairs)} pairs; features {study['treatment']}",
        ),
        (
            "Chance",
            f"{decimal(alignments['chance'].mean(), 3)}, what the best pair scores with the "
            f"pictures in random order (mean of {study['permutations']} orders)",
        ),
        ("Performance", "minus bits per byte of the captions, mean over captions"),
    ]
    missing = results.n - int(alignments["samples_with_bits"].min())
    if missing:
        told.append(
            ("Too short", f"up to {missing} captions of a level have no bits per byte and are left "
             "out of performance")
        )  # fmt: skip
    versions = study.get("versions", {})
    if versions:
        told.append(("Versions", ", ".join(f"{name} {versions[name]}" for name in versions)))
    return told


def uniqueness_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A line a family: alignment and U over models, overlap and U within captions."""
    lines = []
    for family in table["family"].unique():
        told = _one(table, UNIQUENESS, "spearman_changed", family)
        lines.append(
            {
                "names": [family],
                "numbers": [
                    _estimate(_one(table, UNIQUENESS, "spearman", family)),
                    _estimate(told),
                    _plain(told["published"], 3),
                    _plain(told["difference"], 3),
                    _estimate(_one(table, UNIQUENESS, "spearman_given_length", family)),
                    _estimate(_one(table, OVERLAP_UNIQUENESS, "slope", family), 3),
                    _estimate(_one(table, OVERLAP_UNIQUENESS, "slope_given_length", family), 3),
                ],
            }
        )
    return lines


def performance_rows(results: CaptionResults, table: pd.DataFrame) -> list[dict[str, Any]]:
    """A line a family and level: alignment and performance over language models."""
    lines = []
    for family in results.families:
        for level in results.levels:
            cells = []
            for statistic in ("slope", "spearman"):
                row = _one(table, PERFORMANCE, statistic, family, level)
                cells += [
                    _estimate(row, 3),
                    _plain(row["published"], 3),
                    _plain(row["difference"], 3),
                ]
            lines.append({"names": [family, str(level)], "numbers": cells})
    return lines


def pooled_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A line a family: alignment and performance over all levels, and given length."""
    return [
        {
            "names": [family],
            "numbers": [
                _estimate(_one(table, PERFORMANCE_POOLED, statistic, family))
                for statistic in ("spearman", "spearman_given_length")
            ],
        }
        for family in table["family"].unique()
    ]


def overlap_rows(results: CaptionResults, table: pd.DataFrame) -> list[dict[str, Any]]:
    """A line a family and level: overlap and performance over captions."""
    return [
        {
            "names": [family, str(level)],
            "numbers": [
                _estimate(_one(table, OVERLAP_PERFORMANCE, statistic, family, level), 3)
                for statistic in ("spearman", "spearman_given_length", "beyond_means")
            ],
        }
        for family in results.families
        for level in results.levels
    ]


def level_rows(results: CaptionResults) -> list[dict[str, Any]]:
    """A line a level: similarity to the original, length, bits per byte, alignment."""
    lines = []
    for level in results.levels:
        own = results.alignments[results.alignments["level"] == level]
        lengths, bits = results.lengths(level), own["bits_per_byte"]
        lines.append(
            {
                "names": [str(level)],
                "numbers": [
                    _plain(results.mean_similarity(level), 3),
                    {"value": f"{lengths.mean():.1f}", "interval": ""},
                    {"value": f"{np.median(lengths):.0f}", "interval": ""},
                    _plain(bits.min(), 3),
                    _plain(bits.max(), 3),
                    _plain(own["alignment"].min(), 3),
                    _plain(own["alignment"].max(), 3),
                ],
            }
        )
    return lines


def _one(
    table: pd.DataFrame, question: str, statistic: str, family: str, level: int | None = None
) -> pd.Series:
    rows = of_families(table, question, statistic)
    rows = rows[rows["family"] == family]
    return (rows if level is None else rows[rows["level"] == level]).iloc[0]


def _estimate(row: pd.Series, digits: int = 2) -> dict[str, str]:
    """A value, and below it its interval or why there is none."""
    interval = str(row["reason"])
    if np.isfinite(row["low"]):
        interval = f"{decimal(row['low'], digits)} to {decimal(row['high'], digits)}"
    return {"value": decimal(row["value"], digits), "interval": interval}


def _plain(value: float, digits: int) -> dict[str, str]:
    return {"value": decimal(value, digits) if np.isfinite(value) else NONE, "interval": ""}


def joined_range(numbers: Sequence[int]) -> str:
    """``4``, or ``4 to 9`` for the first and the last of rising numbers."""
    return str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]} to {numbers[-1]}"


def _levels(levels: Sequence[int]) -> str:
    return ", ".join(map(str, levels)) + " %"
