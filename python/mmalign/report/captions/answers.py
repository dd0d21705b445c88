"""What the numbers of a study of captions come to, in sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...analysis.captions import CaptionResults
from ...analysis.captions.statistics import (
    OVERLAP_PERFORMANCE,
    OVERLAP_UNIQUENESS,
    PERFORMANCE,
    UNIQUENESS,
)
from ...analysis.labels import NO_BREAK, decimal, joined


def of_families(table: pd.DataFrame, question: str, statistic: str) -> pd.DataFrame:
    """The rows of whole families."""
    return table[
        (table["question"] == question)
        & (table["statistic"] == statistic)
        & (table["vision_model"] == "")
    ]


def headline(table: pd.DataFrame) -> str:
    """Whether alignment falls with uniqueness, and whether that is the captions' length."""
    rows = of_families(table, UNIQUENESS, "spearman")
    lengths = of_families(table, OVERLAP_UNIQUENESS, "slope_given_length")
    return (
        f"Best alignment and U: {_verdict(rows, 'falls', 'rises', 'Spearman')} "
        f"Within captions of equal length, overlap of neighbours from U{NO_BREAK}={NO_BREAK}0 to "
        f"100: {_verdict(lengths, 'falls', 'rises', 'change')}"
    )


def notes(results: CaptionResults, table: pd.DataFrame) -> list[str]:
    """Whether alignment goes with performance, over models and over captions; what limits it."""
    told = [_performance(results, table)]
    for statistic, words in (
        ("spearman_given_length", "given length"),
        ("beyond_means", "beyond what caption and model explain"),
    ):
        rows = of_families(table, OVERLAP_PERFORMANCE, statistic)
        told.append(
            f"Single captions, overlap and performance {words}: "
            + _verdict(rows, "less overlap", "more overlap", "correlation", "families and levels")
        )
    if len(results.language_models) < 4:
        told.append(
            f"With {len(results.language_models)} language models there are no intervals over "
            "models; those over captions say nothing of other models."
        )
    if results.as_published and len(results.language_models) != 12:
        told.append(
            f"Published numbers are of 12 language models, these of {len(results.language_models)}."
        )
    return told


def _performance(results: CaptionResults, table: pd.DataFrame) -> str:
    rows = of_families(table, PERFORMANCE, "spearman").dropna(subset=["value"])
    if rows.empty:
        return "Alignment and performance over language models: not defined for so few models."
    by_level = rows.groupby("level")["value"].mean()
    first, last = by_level.index[0], by_level.index[-1]
    return (
        "Alignment and performance over language models, Spearman, mean over families: "
        f"{decimal(by_level.iloc[0])} at U{NO_BREAK}={NO_BREAK}{first} and "
        f"{decimal(by_level.iloc[-1])} at U{NO_BREAK}={NO_BREAK}{last}."
    )


def _verdict(
    rows: pd.DataFrame, negative: str, positive: str, name: str, among: str = "families"
) -> str:
    """How many of the rows are clearly below and above zero, and their range."""
    values = rows["value"].dropna()
    if values.empty:
        reasons = [reason for reason in rows["reason"].unique() if reason]
        return f"not defined{f' ({reasons[0]})' if reasons else ''}."
    below, above = int((rows["high"] < 0).sum()), int((rows["low"] > 0).sum())
    found = []
    if below:
        found.append(f"{negative} in {below} of {len(rows)} {among}")
    if above:
        found.append(f"{positive} in {above} of {len(rows)} {among}")
    if not found:
        known = np.isfinite(rows["low"]).any()
        found = [f"no clear direction in any of {len(rows)} {among}" if known else "no intervals"]
    low, high = decimal(values.min()), decimal(values.max())
    between = f"{name} {low}" if low == high else f"{name} {low} to {high}"
    return f"{joined(found)}; {between}."
