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
    text = f"{_TRENDS[verdict(row)].format(what=what)} ({evidence(row)}, {_seeds(row)})."
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
    changed, kept = [], []
    for name, question in (
        ("uniqueness", ALIGNMENT_UNIQUENESS),
        ("heterogeneity", ALIGNMENT_TRANSFORM),
    ):
        rows = [
            _one_trend(table, task, metric, question, "spearman")
            for task in (PAPER_TASK, BALANCED_TASK)
        ]
        same = verdict(rows[0]) is verdict(rows[1])
        (kept if same else changed).append(f"{name} ({evidence(rows[1])})")
    clauses = []
    if kept:
        clauses.append(f"with synergy at zero the answer stays the same for {joined(kept)}")
    if changed:
        clauses.append(f"with synergy at zero it is another for {joined(changed)}")
    text = f"{sentence('; '.join(clauses))}."
    plain = [
        _by_uniqueness(table, task, metric, "spearman") for task in (PAPER_TASK, BALANCED_TASK)
    ]
    both = plain[0].merge(plain[1], on="uniqueness", suffixes=("_paper", "_balanced"))
    differ = [
        int(level)
        for level in both["uniqueness"]
        if verdict(_at(plain[0], level)) is not verdict(_at(plain[1], level))
    ]
    if differ:
        text += (
            f" Whether alignment predicts performance has another answer at {level_names(differ)}"
        )
        text += f": {by_verdict(plain[1][plain[1]['uniqueness'].isin(differ)], verdict)}."
    else:
        text += " Whether alignment predicts performance has the same answer at every U"
        text += f" ({span([row for _, row in plain[1].iterrows()])})."
    rows = _overall(table, BALANCED_TASK, metric, ALIGNMENT_UNIQUENESS, SLOPE_DIFFERENCE)
    if len(rows) and np.isfinite(rows.iloc[0]["low"]):
        row = rows.iloc[0]
        how = {
            Verdict.MORE: "less steeply",
            Verdict.LESS: "more steeply",
            Verdict.OPEN: "about as steeply",
        }[verdict(row)]
        text += (
            f" Alignment falls {how} with U than on the paper’s task (difference of slopes "
            f"{decimal(row['value'], 3)}, {decimal(row['low'], 3)} to {decimal(row['high'], 3)})."
        )
    return text


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
        other = [
            f"{metric_name(*metric)} ({evidence(rows[metric])})"
            for metric in metrics[1:]
            if verdict(rows[metric]) is not verdict(rows[metrics[0]])
        ]
        clauses.append(_disagreement(f"on {what}", other, len(metrics)))
    other = []
    first = _by_uniqueness(table, task, metrics[0], "spearman")
    for metric in metrics[1:]:
        rows = _by_uniqueness(table, task, metric, "spearman")
        levels = [
            int(row["uniqueness"])
            for _, row in rows.iterrows()
            if verdict(row) is not verdict(_at(first, row["uniqueness"]))
        ]
        if levels:
            found = span([_at(rows, level) for level in levels])
            other.append(f"{metric_name(*metric)} at {level_names(levels)} ({found})")
    clauses.append(_disagreement("on performance", other, len(metrics)))
    return f"{sentence('; '.join(clauses))}."


def _disagreement(what: str, other: list[str], metrics: int) -> str:
    if not other:
        return f"{what} all {metrics} metrics agree"
    return f"{what} another answer comes from {joined(other, '; ')}"
