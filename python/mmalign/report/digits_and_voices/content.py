"""The words and tables of the report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...analysis.digits_and_voices.statistics import (
    ALIGNMENT,
    ALIGNMENT_PERFORMANCE,
    GIVEN_DEPTH,
    PERFORMANCE,
    VIEW_NAMES,
)
from ...analysis.labels import NO_BREAK, decimal, joined, metric_label
from ...data.digits_and_voices import BALANCES, ground_truth
from ...study.digits_and_voices import DigitsAndVoicesResults
from ..content import duration


def facts(results: DigitsAndVoicesResults) -> list[tuple[str, str]]:
    """What was run, as terms and their text."""
    first = next(iter(results.balances.values()))
    encoders = pd.concat([own.encoders for own in results.balances.values()])
    cells = pd.DataFrame(first.study["cells"])
    kinds = ", ".join(
        f"{VIEW_NAMES[view]}s {own['encoder'].iloc[0]}"
        for view, own in cells.groupby("view", sort=False)
    )
    metrics = first.alignments[["metric", "options"]].drop_duplicates()
    versions = first.study.get("versions", {})
    return [
        ("Study", f"{results.study['name']}, preset {results.study['preset']}"),
        ("Balances", joined([f"“{BALANCES[name].name}”" for name in results.balances])),
        ("Encoders", kinds),
        ("Depths", joined([str(depth) for depth in sorted(encoders["depth"].unique())])),
        ("Seeds", joined([str(seed) for seed in sorted(encoders["seed"].unique())])),
        (
            "Training",
            f"{cells['epochs'].iloc[0]} epochs, learning rate {cells['learning_rate'].iloc[0]:g}, "
            f"batches of {cells['batch_size'].iloc[0]}; the best epoch by validation accuracy",
        ),
        (
            "Alignment",
            "; ".join(metric_label(*key) for key in metrics.itertuples(index=False))
            + f"; on {first.alignments['n'].max()} test samples",
        ),
        ("Results", f"{len(encoders)} encoders in {len(results.balances)} balances"),
        ("Time", duration(results.elapsed_seconds)),
        ("Versions", ", ".join(f"{name} {versions[name]}" for name in versions)),
    ]


def truth_rows(names: list[str]) -> list[dict[str, Any]]:
    """One line a balance: information in bits and ceilings in percent, exact."""
    lines = []
    for name in names:
        truth = ground_truth(BALANCES[name])
        pid = truth.pid
        bits = (pid.redundancy, pid.unique_1, pid.unique_2, pid.synergy, truth.mi_1, truth.mi_2)
        ceilings = (truth.bayes_1, truth.bayes_2, truth.bayes_joint)
        lines.append(
            {
                "task": BALANCES[name].task,
                "numbers": [
                    *(f"{abs(value) / np.log(2):.2f}" for value in bits),
                    *(f"{100 * value:.1f}" for value in ceilings),
                ],
            }
        )
    return lines


def number_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a metric, balance and view: correlations, alignment and performance."""
    lines = []
    for key, own in table[table["balance"].notna()].groupby(
        ["metric", "options", "balance", "view"], sort=False
    ):
        metric, options, balance, view = key
        found = {(row["question"], row["statistic"]): row for _, row in own.iterrows()}
        share = found.get((ALIGNMENT, "share_above_chance"))
        lines.append(
            {
                "metric": metric_label(metric, options),
                "task": BALANCES[balance].task,
                "view": f"{VIEW_NAMES[view]}s",
                "cells": [
                    _cell(found[ALIGNMENT_PERFORMANCE, "spearman"]),
                    _cell(found[ALIGNMENT_PERFORMANCE, GIVEN_DEPTH]),
                    _cell(found[ALIGNMENT, "mean"], 3),
                    _cell(found[PERFORMANCE, "mean"]),
                ],
                "highest": decimal(found[ALIGNMENT, "highest"]["value"], 3),
                "above": "–"
                if share is None
                else f"{round(share['value'] * share['n'])} of {share['n']}",
                "n": own["n"].iloc[0],
            }
        )
    return lines


def _cell(row: pd.Series, digits: int = 2) -> dict[str, str]:
    interval = row["reason"]
    if np.isfinite(row["low"]):
        low, high = decimal(row["low"], digits), decimal(row["high"], digits)
        interval = f"{low}{NO_BREAK}to{NO_BREAK}{high}"
    p = ""
    if np.isfinite(row["p"]):
        sign = "<" if row["p"] < 0.001 else "="
        p = f"p{NO_BREAK}{sign}{NO_BREAK}{decimal(max(row['p'], 0.001), 3)}"
    return {"value": decimal(row["value"], digits), "interval": interval, "p": p}
