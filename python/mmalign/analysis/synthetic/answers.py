"""The corrected study's questions, answered in plain words by fixed rules.

A correlation is said to be positive (negative) if its whole 95 percent interval over seeds lies
above (below) zero; else the data do not tell. What alignment adds to depth must also be confirmed
by exchanging encoders of equal depth (p of at most 0.05). The first metric of the tables gives the
answers; the last question says where another would have answered otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..conclusion import Verdict, verdict
from ..labels import decimal, joined
from .emergence import SLOPE_DIFFERENCE
from .labels import metric_name
from .prediction import GIVEN_DEPTH
from .statistics import (
    ALIGNMENT_PERFORMANCE,
    ALIGNMENT_TRANSFORM,
    ALIGNMENT_UNIQUENESS,
    PERFORMANCE_DEPTH,
)
from .tables import BALANCED_TASK, PAPER_TASK
from .wording import by_verdict, confirmed, evidence, level_names, sentence, span


@dataclass(frozen=True)
class Answer:
    """One question and what the data say to it."""

    question: str
    sentence: str


def answers(table: pd.DataFrame) -> list[Answer]:
    """Every question that the tables can speak to, in order."""
    asked = table[table["metric"].notna()]
    if asked.empty:
        return []
    tasks = list(dict.fromkeys(asked["task"]))
    main = PAPER_TASK if PAPER_TASK in tasks else tasks[0]
    metrics = _metrics_of(asked, main)
    first = metrics[0]
    found = [
        Answer(
            "Does alignment fall as uniqueness grows?",
            _trend(table, main, first, ALIGNMENT_UNIQUENESS, "uniqueness"),
        ),
        Answer(
            "Does alignment fall as the views grow more unlike?",
            _trend(table, main, first, ALIGNMENT_TRANSFORM, "the depth of the transformation"),
        ),
        Answer(
            "Does alignment predict performance?",
            _prediction(table, main, first),
        ),
        Answer("Does model size predict performance?", _model_size(table, main)),
    ]
    if main == PAPER_TASK and first in _metrics_of(asked, BALANCED_TASK):
        found.append(
            Answer("Do the answers survive holding synergy fixed?", _synergy(table, first))
        )
    if len(metrics) > 1:
        found.append(Answer("Do the answers depend on the metric?", _metrics(table, main, metrics)))
    return found


def _metrics_of(table: pd.DataFrame, task: str) -> list[tuple[str, str]]:
    own = table[table["task"] == task]
    return list(dict.fromkeys(zip(own["metric"], own["options"], strict=True)))


def _overall(
    table: pd.DataFrame, task: str, metric: tuple[str, str], question: str, statistic: str
) -> pd.DataFrame:
    """The rows over every D_phi (or U), for the shallowest encoder of view 1."""
    rows = table[
        (table["task"] == task)
        & (table["question"] == question)
        & (table["statistic"] == statistic)
        & (table["metric"] == metric[0])
        & (table["options"] == metric[1])
    ]
    return rows[rows["depth_1"] == rows["depth_1"].min()]


def _one_trend(
    table: pd.DataFrame, task: str, metric: tuple[str, str], question: str, statistic: str
) -> pd.Series:
    rows = _overall(table, task, metric, question, statistic)
    return rows[rows["uniqueness"].isna() & rows["transform_depth"].isna()].iloc[0]


_TRENDS = {
    Verdict.LESS: "Yes: alignment falls with {what}",
    Verdict.MORE: "No: alignment rises with {what}",
    Verdict.OPEN: "The data do not tell whether alignment falls with {what}",
    Verdict.UNDEFINED: "It cannot be said whether alignment falls with {what}",
}


def _trend(
    table: pd.DataFrame, task: str, metric: tuple[str, str], question: str, what: str
) -> str:
    row = _one_trend(table, task, metric, question, "spearman")
    slope = _one_trend(table, task, metric, question, "slope")
    # Where there is no interval, the reason names the seeds.
    seeds = "" if verdict(row) is Verdict.UNDEFINED else f", {_seeds(row)}"
    text = f"{_TRENDS[verdict(row)].format(what=what)} ({evidence(row)}{seeds})."
    if np.isfinite(slope["value"]):
        step = "unit of U" if question == ALIGNMENT_UNIQUENESS else "layer of the transformation"
        change = decimal(slope["value"], 3)
        bounds = (
            f" ({decimal(slope['low'], 3)} to {decimal(slope['high'], 3)})"
            if np.isfinite(slope["low"])
            else ""
        )
        text += f" Each {step} changes alignment by {change}{bounds}."
    return text


def _seeds(row: pd.Series) -> str:
    return f"{row['seeds']} seed{'' if row['seeds'] == 1 else 's'}"


def _by_uniqueness(
    table: pd.DataFrame, task: str, metric: tuple[str, str], statistic: str
) -> pd.DataFrame:
    rows = _overall(table, task, metric, ALIGNMENT_PERFORMANCE, statistic)
    return rows[rows["transform_depth"].isna()].sort_values("uniqueness")


def _prediction(table: pd.DataFrame, task: str, metric: tuple[str, str]) -> str:
    plain = _by_uniqueness(table, task, metric, "spearman")
    given = _by_uniqueness(table, task, metric, GIVEN_DEPTH)
    text = f"{sentence(by_verdict(plain, verdict))}."
    return f"{text} Once depth is accounted for: {by_verdict(given, confirmed)}."


def _model_size(table: pd.DataFrame, task: str) -> str:
    rows = table[
        (table["task"] == task)
        & (table["question"] == PERFORMANCE_DEPTH)
        & table["transform_depth"].isna()
    ].sort_values("uniqueness")
    words = {
        Verdict.MORE: "at {levels} deeper encoders classify better",
        Verdict.LESS: "at {levels} deeper encoders classify worse",
        Verdict.OPEN: "at {levels} the data do not tell",
        Verdict.UNDEFINED: "at {levels} no interval can be given",
    }
    return f"{sentence(by_verdict(rows, verdict, words))}."


def _synergy(table: pd.DataFrame, metric: tuple[str, str]) -> str:
    groups: dict[str, list[str]] = {}
    for name, question in (
        ("uniqueness", ALIGNMENT_UNIQUENESS),
        ("heterogeneity", ALIGNMENT_TRANSFORM),
    ):
        paper, balanced = (
            _one_trend(table, task, metric, question, "spearman")
            for task in (PAPER_TASK, BALANCED_TASK)
        )
        kind = _COMPARED[_compared(paper, balanced)]
        groups.setdefault(kind, []).append(f"{name} ({evidence(balanced)})")
    text = "; ".join(f"with synergy at zero {kind} {joined(of)}" for kind, of in groups.items())
    parts = [f"{sentence(text)}.", _synergy_prediction(table, metric)]
    rows = _overall(table, BALANCED_TASK, metric, ALIGNMENT_UNIQUENESS, SLOPE_DIFFERENCE)
    if len(rows) and np.isfinite(rows.iloc[0]["low"]):
        row = rows.iloc[0]
        how = {
            Verdict.MORE: "The slope of alignment on U is higher than",
            Verdict.LESS: "The slope of alignment on U is lower than",
            Verdict.OPEN: "The data do not tell the slope of alignment on U from that",
        }[verdict(row)]
        parts.append(
            f"{how} on the paper’s task (difference {decimal(row['value'], 3)}, "
            f"{decimal(row['low'], 3)} to {decimal(row['high'], 3)})."
        )
    return " ".join(parts)


_COMPARED = {
    "same": "the answer stays the same for",
    "other": "it is another for",
    "open": "the data tell on neither task for",
    "unknown": "no comparison can be made for",
}


def _compared(one: pd.Series, other: pd.Series) -> str:
    if Verdict.UNDEFINED in (verdict(one), verdict(other)):
        return "unknown"
    if verdict(one) is verdict(other) is Verdict.OPEN:
        return "open"
    return "same" if verdict(one) is verdict(other) else "other"


def _synergy_prediction(table: pd.DataFrame, metric: tuple[str, str]) -> str:
    paper, balanced = (
        _by_uniqueness(table, task, metric, "spearman") for task in (PAPER_TASK, BALANCED_TASK)
    )
    levels = [int(level) for level in balanced["uniqueness"] if level in set(paper["uniqueness"])]
    found = {level: _compared(_at(paper, level), _at(balanced, level)) for level in levels}
    if not set(found.values()) - {"unknown"}:
        return "Whether alignment predicts performance cannot be compared at any U."
    differ = [level for level in levels if found[level] == "other"]
    asked = "Whether alignment predicts performance has"
    if differ:
        rows = balanced[balanced["uniqueness"].isin(differ)]
        return f"{asked} another answer at {level_names(differ)}: {by_verdict(rows, verdict)}."
    same = [level for level in levels if found[level] == "same"]
    if not same:
        return "On neither task do the data tell whether alignment predicts performance."
    rows = [_at(balanced, level) for level in same]
    return f"{asked} the same answer at {level_names(same)} ({span(rows)})."


def _at(rows: pd.DataFrame, level: int) -> pd.Series:
    return rows[rows["uniqueness"] == level].iloc[0]


def _metrics(table: pd.DataFrame, task: str, metrics: list[tuple[str, str]]) -> str:
    """Which other metrics answer the first three questions otherwise."""
    clauses = []
    for what, question in (
        ("uniqueness", ALIGNMENT_UNIQUENESS),
        ("heterogeneity", ALIGNMENT_TRANSFORM),
    ):
        rows = {metric: _one_trend(table, task, metric, question, "spearman") for metric in metrics}
        first = rows[metrics[0]]
        other = [
            f"{metric_name(*metric)} ({evidence(rows[metric])})"
            for metric in metrics[1:]
            if verdict(rows[metric]) is not verdict(first)
        ]
        known = any(verdict(row) is not Verdict.UNDEFINED for row in rows.values())
        clauses.append(_disagreement(f"on {what}", other, len(metrics), known))
    other = []
    by_metric = {metric: _by_uniqueness(table, task, metric, "spearman") for metric in metrics}
    for metric in metrics[1:]:
        rows = by_metric[metric]
        levels = [
            int(row["uniqueness"])
            for _, row in rows.iterrows()
            if verdict(row) is not verdict(_at(by_metric[metrics[0]], row["uniqueness"]))
        ]
        if levels:
            found = span([_at(rows, level) for level in levels])
            other.append(f"{metric_name(*metric)} at {level_names(levels)} ({found})")
    known = any(rows["low"].notna().any() for rows in by_metric.values())
    clauses.append(_disagreement("on performance", other, len(metrics), known))
    return f"{sentence('; '.join(clauses))}."


def _disagreement(what: str, other: list[str], metrics: int, known: bool) -> str:
    if not known:
        return f"{what} no metric has an interval"
    if not other:
        return f"{what} all {metrics} metrics agree"
    return f"{what} another answer comes from {joined(other, '; ')}"
