"""The study's questions, answered in plain words by fixed rules.

A number is said to be above (below) zero if its whole 95 percent interval is; else the data do not
tell. What alignment adds to depth must also be confirmed by exchanging encoders of equal depth (p
of at most 0.05). The first metric answers; the last question says where another would differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..conclusion import Verdict, verdict
from ..labels import decimal, joined, metric_label
from ..synthetic.wording import confirmed, sentence
from .axes import AXES
from .statistics import (
    ALIGNMENT,
    ALIGNMENT_PERFORMANCE,
    ALIGNMENT_TREND,
    CORRELATION_TREND,
    GIVEN_DEPTH,
    NOTHING,
    VIEW_NAMES,
)
from .wording import (
    balance_label,
    balances_by_verdict,
    by_view,
    labels,
    places,
    verdicts_by_view,
)

_TREND_WORDS = {
    Verdict.LESS: "alignment falls",
    Verdict.MORE: "alignment rises",
    Verdict.OPEN: "the data do not tell whether alignment falls",
    Verdict.UNDEFINED: "it cannot be said whether alignment falls",
}
_RELATION_WORDS = {
    Verdict.LESS: "the correlation falls",
    Verdict.MORE: "the correlation rises",
    Verdict.OPEN: "the data do not tell whether the correlation falls",
    Verdict.UNDEFINED: "it cannot be said whether the correlation falls",
}


@dataclass(frozen=True)
class Answer:
    """One question and what the data say to it."""

    question: str
    sentence: str


def headline(table: pd.DataFrame) -> str:
    """One sentence: does alignment fall with uniqueness, and where does it predict performance?"""
    first = _first_metric(table)
    rows = _rows(first, ALIGNMENT_PERFORMANCE, "spearman")
    clauses = []
    if _has_axis(first, "uniqueness"):
        trend = _rows(first, ALIGNMENT_TREND, "slope", axis="uniqueness")
        clauses.append(f"{verdicts_by_view(trend, _TREND_WORDS)} with uniqueness")
    spoken: list[str] = []
    for wanted, words in (
        (Verdict.MORE, "better aligned encoders classify better for {}"),
        (Verdict.LESS, "better aligned encoders classify worse for {}"),
        (Verdict.UNDEFINED, f"there is {NOTHING} for {{}}"),
    ):
        names = places(rows, wanted)
        if wanted is Verdict.UNDEFINED:
            empty = rows[rows["reason"].str.startswith(NOTHING)].groupby("balance").size()
            names = [name for name in names if empty.get(name, 0) == len(VIEW_NAMES)]
        if names:
            clauses.append(words.format(labels(names)))
            spoken += names
    rest = [name for name in dict.fromkeys(rows["balance"]) if name not in spoken]
    if rest:
        clauses.append(f"for {labels(rest)} the data do not tell, or not for both views")
    return f"On these digits and voices, {'; '.join(clauses)}."


def answers(table: pd.DataFrame) -> list[Answer]:
    """Every question that the table can speak to, in order."""
    first = _first_metric(table)
    found = [
        Answer("Does alignment predict performance?", _prediction(first)),
        Answer("Does it once depth is accounted for?", _given_depth(first)),
    ]
    for axis, question in (
        ("uniqueness", "Does alignment fall with uniqueness?"),
        ("synergy", "Does alignment fall with synergy?"),
    ):
        if _has_axis(first, axis):
            found.append(Answer(question, _alignment_trend(first, axis)))
    for axis, question in (
        ("uniqueness", "Does the relation weaken with uniqueness?"),
        ("synergy", "Does the relation weaken with synergy?"),
    ):
        if _has_axis(first, axis):
            found.append(Answer(question, _correlation_trend(first, axis)))
    metrics = table[["metric", "options"]].drop_duplicates()
    for key in metrics.iloc[1:].itertuples(index=False):
        other = table[(table["metric"] == key.metric) & (table["options"] == key.options)]
        name = metric_label(key.metric, key.options)
        found.append(Answer(f"And with {name}?", _differences(first, other)))
    return found


def _first_metric(table: pd.DataFrame) -> pd.DataFrame:
    key = table.iloc[0]
    return table[(table["metric"] == key["metric"]) & (table["options"] == key["options"])]


def _rows(
    table: pd.DataFrame, question: str, statistic: str, axis: str | None = None
) -> pd.DataFrame:
    rows = table[(table["question"] == question) & (table["statistic"] == statistic)]
    return rows if axis is None else rows[rows["axis"] == axis]


def _has_axis(table: pd.DataFrame, axis: str) -> bool:
    return bool(np.isfinite(_rows(table, ALIGNMENT_TREND, "slope", axis)["value"]).any())


def _prediction(first: pd.DataFrame) -> str:
    rows = _rows(first, ALIGNMENT_PERFORMANCE, "spearman")
    return _by_verdict(balances_by_verdict(rows, verdict), _reasons(rows))


def _given_depth(first: pd.DataFrame) -> str:
    rows = _rows(first, ALIGNMENT_PERFORMANCE, GIVEN_DEPTH)
    return _by_verdict(balances_by_verdict(rows, confirmed), "")


_WORDS = {
    Verdict.MORE: "Better aligned encoders classify better for {}.",
    Verdict.LESS: "Better aligned encoders classify worse for {}.",
    Verdict.OPEN: "The data do not tell for {}.",
}


def _by_verdict(groups: dict[Verdict, list[str]], reasons: str) -> str:
    parts = [words.format("; ".join(groups[key])) for key, words in _WORDS.items() if key in groups]
    return " ".join([*parts, *([reasons] if reasons else [])])


def _reasons(rows: pd.DataFrame) -> str:
    found: dict[str, list[str]] = {}
    for _, row in rows[rows["reason"] != ""].iterrows():
        found.setdefault(row["reason"], []).append(balance_label(row["balance"]))
    return " ".join(
        f"For {joined(list(dict.fromkeys(names)))}: {reason}." for reason, names in found.items()
    )


def _alignment_trend(first: pd.DataFrame, axis: str) -> str:
    rows = _rows(first, ALIGNMENT_TREND, "slope", axis)
    words = sentence(verdicts_by_view(rows, _TREND_WORDS))
    means = _steps(first, "mean", axis, lambda row: decimal(row["value"], 3))
    above = _steps(
        first, "share_above_chance", axis, lambda row: str(round(row["value"] * row["n"]))
    )
    told = f"Means along the way: {means}."
    if above:
        count = first.loc[first["statistic"] == "share_above_chance", "n"].max()
        told += f" Above chance, of {count} encoders: {above}."
    return f"{words}: a step of one bit changes it by {by_view(rows, 3)}. {told}"


def _steps(first: pd.DataFrame, statistic: str, axis: str, text: Callable[[pd.Series], str]) -> str:
    """A number at each balance of an axis, for each view."""
    parts = []
    for view, own in _rows(first, ALIGNMENT, statistic).groupby("view", sort=False):
        known = own.set_index("balance")
        steps = [text(known.loc[name]) for name in AXES[axis] if name in known.index]
        parts.append(f"{VIEW_NAMES[view]}s {', '.join(steps)}")
    return "; ".join(parts)


def _correlation_trend(first: pd.DataFrame, axis: str) -> str:
    rows = _rows(first, CORRELATION_TREND, "slope", axis)
    known = rows[np.isfinite(rows["value"])]
    if known.empty:
        return f"It cannot be computed: {rows.iloc[0]['reason']}."
    words = sentence(verdicts_by_view(known, _RELATION_WORDS))
    return f"{words}: a step of one bit changes it by {by_view(known)}."


#: What is asked of a metric, and how an answer of it is judged.
_ASKED = (
    (ALIGNMENT_PERFORMANCE, "spearman", verdict, ""),
    (ALIGNMENT_PERFORMANCE, GIVEN_DEPTH, confirmed, " given depth"),
    (ALIGNMENT_TREND, "slope", verdict, ""),
    (CORRELATION_TREND, "slope", verdict, ""),
)
_TRENDS = {ALIGNMENT_TREND: "alignment", CORRELATION_TREND: "the correlation"}


def _differences(first: pd.DataFrame, other: pd.DataFrame) -> str:
    """Where a second metric gives another verdict, of all that were asked of the first."""
    keys = ["question", "balance", "axis", "view", "statistic"]
    changed = []
    for question, statistic, judge, condition in _ASKED:
        rows, others = (_rows(one, question, statistic) for one in (first, other))
        both = rows.merge(others, on=keys, suffixes=("", "_other"))
        for _, row in both.iterrows():
            there = row.rename(lambda name: str(name).removesuffix("_other"))
            there = there[~there.index.duplicated(keep="last")]
            if judge(row) is not judge(there):
                changed.append(_place(there, judge(there), condition))
    if not changed:
        return "The same verdicts on every question."
    return f"It differs: {'; '.join(changed)}. All other verdicts are the same."


def _place(there: pd.Series, found: Verdict, condition: str) -> str:
    who = f"{VIEW_NAMES[there['view']]} encoders"
    if pd.notna(there["balance"]):
        where = balance_label(there["balance"])
    else:
        where = f"the trend of {_TRENDS[there['question']]} with {there['axis']}"
    words = {
        Verdict.MORE: "above zero",
        Verdict.LESS: "below zero",
        Verdict.OPEN: "not told from zero",
        Verdict.UNDEFINED: "not defined",
    }[found]
    evidence = f" ({decimal(there['value'])}, {decimal(there['low'])} to {decimal(there['high'])})"
    return f"{where}, {who}{condition}: {words}{evidence if np.isfinite(there['low']) else ''}"
