"""The tables of a corrected study's report."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ...analysis.labels import NO_BREAK, decimal, joined
from ...analysis.synthetic.corrected import Looks
from ...analysis.synthetic.labels import metric_name, task_name
from ...analysis.synthetic.prediction import GIVEN_DEPTH
from ...analysis.synthetic.statistics import (
    ALIGNMENT_DEPTH,
    ALIGNMENT_PERFORMANCE,
    ALIGNMENT_TRANSFORM,
    ALIGNMENT_UNIQUENESS,
    PERFORMANCE_DEPTH,
)
from ...analysis.synthetic.tables import AS_MEASURED, CALIBRATED
from .marks import level

_QUESTIONS = {
    ALIGNMENT_UNIQUENESS: "alignment and uniqueness",
    ALIGNMENT_TRANSFORM: "alignment and heterogeneity",
    ALIGNMENT_PERFORMANCE: "alignment and performance",
    ALIGNMENT_DEPTH: "alignment and depth",
    PERFORMANCE_DEPTH: "performance and depth",
}
_CHANCE = 0.05


def looks_rows(counted: list[Looks]) -> list[dict[str, Any]]:
    """One line a question: intervals, how many exclude zero, how many would by chance alone."""
    return [
        {
            "question": _QUESTIONS[look.question],
            "numbers": [
                str(look.intervals),
                str(look.exclude_zero),
                str(round(_CHANCE * look.intervals)),
            ],
        }
        for look in counted
    ]


def looks_sentence(counted: list[Looks]) -> str:
    """How many intervals were looked at in all, and how many exclude zero."""
    total = sum(look.intervals for look in counted)
    if not total:
        return "No interval could be given: n is too small."
    away = sum(look.exclude_zero for look in counted)
    return (
        f"Of {total} intervals computed, {away} exclude zero; if nothing were there, about "
        f"{round(_CHANCE * total)} would by chance alone."
    )


def calibration_sentence(table: pd.DataFrame) -> str:
    """Which metrics were calibrated against chance, and what that means."""
    asked = table[table["score_is"].notna()]
    metrics: dict[str, list[str]] = {}
    for (metric, options, how), _ in asked.groupby(["metric", "options", "score_is"], sort=False):
        metrics.setdefault(how, []).append(metric_name(metric, options))
    text = "A score is the best over layer pairs."
    if CALIBRATED in metrics:
        text += (
            f" That of {joined(metrics[CALIBRATED])} is calibrated against permutations of the "
            "samples that all layers share: 0 is what chance reaches in one case of twenty, 1 is "
            "the most."
        )
    if AS_MEASURED in metrics:
        text += f" That of {joined(metrics[AS_MEASURED])} stands as measured."
    return text


def overall_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a metric, task and depth of view 1: trends of alignment with U and D_phi."""
    rows = table[
        table["uniqueness"].isna()
        & table["transform_depth"].isna()
        & table["statistic"].isin(["spearman", "slope"])
    ]
    lines = []
    for key, own in rows.groupby(["metric", "options", "task", "depth_1"], sort=False):
        found = {(row["question"], row["statistic"]): row for _, row in own.iterrows()}
        lines.append(
            {
                "metric": metric_name(*key[:2]),
                "task": f"{task_name(key[2])}, depth{NO_BREAK}{key[3]}",
                "cells": [
                    cell(found[question, statistic], 2 if statistic == "spearman" else 3)
                    for question in (ALIGNMENT_UNIQUENESS, ALIGNMENT_TRANSFORM)
                    for statistic in ("spearman", "slope")
                ],
                "seeds": own["seeds"].max(),
            }
        )
    return lines


def prediction_rows(table: pd.DataFrame) -> tuple[list[str], list[dict[str, Any]]]:
    """Names of the metrics, and one line a task, U and statistic with a cell for each of them."""
    rows = table[(table["question"] == ALIGNMENT_PERFORMANCE) & table["transform_depth"].isna()]
    metrics = list(dict.fromkeys(zip(rows["metric"], rows["options"], strict=True)))
    lines = []
    for (task, uniqueness, statistic), own in rows.groupby(
        ["task", "uniqueness", "statistic"], sort=False
    ):
        found = {(row["metric"], row["options"]): row for _, row in own.iterrows()}
        given = "given depth" if statistic == GIVEN_DEPTH else "as measured"
        lines.append(
            {
                "task": task_name(task),
                "place": f"{level('U', int(uniqueness))}, {given}",
                "order": (task, statistic == GIVEN_DEPTH, uniqueness),
                "cells": [cell(found[metric]) for metric in metrics],
            }
        )
    tasks = list(dict.fromkeys(rows["task"]))
    lines.sort(key=lambda line: (tasks.index(line["order"][0]), *line["order"][1:]))
    return [metric_name(*metric) for metric in metrics], lines


def cell(row: pd.Series, digits: int = 2) -> dict[str, str]:
    """A number as text: its value and, below it, its interval or why it has none, and p."""
    interval = row["reason"]
    if math.isfinite(row["low"]):
        low, high = decimal(row["low"], digits), decimal(row["high"], digits)
        interval = f"{low}{NO_BREAK}to{NO_BREAK}{high}"
    return {"value": decimal(row["value"], digits), "interval": interval, "p": _p(row["p"])}


def _p(p: float) -> str:
    if pd.isna(p):
        return ""
    return f"p{NO_BREAK}{'<' if p < 0.001 else '='}{NO_BREAK}{decimal(max(p, 0.001), 3)}"
