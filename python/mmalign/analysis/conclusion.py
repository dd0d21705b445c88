"""One plain sentence about alignment and performance, from the intervals by fixed rules.

A view's encoders are said to classify better (worse) the more they align if the whole interval of
Spearman's correlation lies above (below) zero; if it holds zero, the data do not tell. The same
rule, applied to the partial correlation, says what is left once depth is accounted for, provided
that exchanging encoders of equal depth confirms it (p of at most 0.05).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import pandas as pd

from .comparisons import BOTH_VIEWS
from .correlations import ALIGNMENT_PERFORMANCE
from .labels import NO_BREAK, decimal, joined, metric_label

_LARGEST_P = 0.05


class Verdict(Enum):
    """Where an interval lies."""

    MORE = "above zero"
    LESS = "below zero"
    OPEN = "around zero"
    UNDEFINED = "undefined"


@dataclass(frozen=True)
class Conclusion:
    """``sentence`` answers the question; ``notes`` are what a reader must know beside it."""

    sentence: str
    notes: tuple[str, ...]


def verdict(row: pd.Series) -> Verdict:
    """Where the interval of one row of the correlations lies; an end at zero counts as around."""
    if not np.isfinite([row["low"], row["high"]]).all():
        return Verdict.UNDEFINED
    if row["low"] > 0:
        return Verdict.MORE
    return Verdict.LESS if row["high"] < 0 else Verdict.OPEN


def conclude(correlations: pd.DataFrame, *, data: str = "this data") -> Conclusion:
    """The sentence for the first metric of the table and notes on chance, metrics and pairs.

    ``data`` is how the sentence speaks of the data ("these digits").
    """
    table = correlations[correlations["relation"] == ALIGNMENT_PERFORMANCE]
    if table.empty:
        return Conclusion(
            f"On {data}, no alignment between two views was measured, so nothing can be said "
            "about whether it goes with performance.",
            (),
        )
    metrics = list(dict.fromkeys(zip(table["metric"], table["options"], strict=True)))
    first = _of_metric(table, metrics[0])
    views = first[(first["varied_view"] != BOTH_VIEWS) & (first["statistic"] == "spearman")]
    answer = _answer(views)
    depth = _depth_clause(first, views)
    sentence = f"On {data}, {answer}{'; ' + depth if depth else ''}."
    notes = [
        _chance_note(first, metrics[0]),
        _seeds_note(first),
        _pairs_note(first, views),
        *(_metric_note(table, other, views) for other in metrics[1:]),
        _maximum_note(first),
    ]
    return Conclusion(sentence, tuple(note for note in notes if note))


def _of_metric(table: pd.DataFrame, key: tuple[str, str]) -> pd.DataFrame:
    return table[(table["metric"] == key[0]) & (table["options"] == key[1])]


def _encoders(row: pd.Series, views: pd.DataFrame) -> str:
    """``image encoders``; with more than two views also what they were compared with."""
    name = f"{row['varied_view']} encoders"
    if len(views) > 2:
        other = row["view_b"] if row["varied_view"] == row["view_a"] else row["view_a"]
        name += f" against {other}"
    return name


def _evidence(row: pd.Series) -> str:
    if verdict(row) is Verdict.UNDEFINED:
        return str(row["reason"])
    return (
        f"Spearman {decimal(row['value'])}, 95% interval {decimal(row['low'])} to "
        f"{decimal(row['high'])}, n{NO_BREAK}={NO_BREAK}{row['n']}"
    )


_CLAUSES = {
    Verdict.MORE: "{who} that align more with the other view also classify better",
    Verdict.LESS: "{who} that align more with the other view classify worse",
    Verdict.OPEN: "the data do not tell whether {who} that align more with the other view "
    "classify better",
    Verdict.UNDEFINED: "it cannot be computed whether {who} that align more with the other view "
    "classify better",
}


def _answer(views: pd.DataFrame) -> str:
    rows = [row for _, row in views.iterrows()]
    if len(rows) > 2:
        return _count_of(rows, views)
    verdicts = [verdict(row) for row in rows]
    if len(set(verdicts)) == 1:
        evidence = "; ".join(f"{_encoders(row, views)}: {_evidence(row)}" for row in rows)
        return f"{_CLAUSES[verdicts[0]].format(who='encoders')} ({evidence})"
    clauses = []
    # What is known comes first, whatever the order of the views.
    for row in sorted(rows, key=lambda row: list(_CLAUSES).index(verdict(row))):
        found = verdict(row)
        if clauses and found is Verdict.OPEN:
            text = f"for {_encoders(row, views)} the data do not tell"
        elif clauses and found is Verdict.UNDEFINED:
            text = f"for {_encoders(row, views)} it cannot be computed"
        else:
            text = _CLAUSES[found].format(who=_encoders(row, views))
        clauses.append(f"{text} ({_evidence(row)})")
    opposed = {Verdict.MORE, Verdict.LESS} <= set(verdicts)
    return f"{'the views disagree: ' if opposed else ''}{', while '.join(clauses)}"


def _count_of(rows: list[pd.Series], views: pd.DataFrame) -> str:
    """Of many comparisons: how many answer how, with the evidence of those that do answer."""
    groups = {found: [row for row in rows if verdict(row) is found] for found in Verdict}
    who = "encoders that align more with another view classify"
    answers = []
    for found, word in ((Verdict.MORE, "better"), (Verdict.LESS, "worse")):
        if groups[found]:
            evidence = "; ".join(
                f"{_encoders(row, views)}: {_evidence(row)}" for row in groups[found]
            )
            count = f"{len(groups[found])} of {len(rows)} comparisons"
            answers.append(f"{word} in {count} ({evidence})")
    rest = [
        f"in {len(groups[found])} {words}"
        for found, words in (
            (Verdict.OPEN, "the data do not tell"),
            (Verdict.UNDEFINED, "nothing can be computed"),
        )
        if groups[found]
    ]
    if not answers:
        return (
            f"in none of {len(rows)} comparisons is it known whether {who} better: {joined(rest)}"
        )
    return f"{who} {joined(answers)}{', while ' if rest else ''}{joined(rest)}"


def _depth_clause(first: pd.DataFrame, views: pd.DataFrame) -> str:
    """What becomes of each view's verdict once depth is accounted for; empty if none had one."""
    partial = first[first["statistic"] == "partial_spearman"].set_index(
        ["view_a", "view_b", "varied_view"]
    )
    groups: dict[str, list[str]] = {}
    for _, row in views.iterrows():
        given_depth = partial.loc[(row["view_a"], row["view_b"], row["varied_view"])]
        text = _fate(verdict(row), _confirmed(given_depth))
        if text:
            groups.setdefault(text, []).append(_encoders(row, views))
    if not groups:
        return ""
    if len(groups) == 1 and len(next(iter(groups.values()))) == len(views):
        return f"once depth is accounted for, {next(iter(groups))}"
    clauses = [f"{text} for {joined(who)}" for text, who in sorted(groups.items(), reverse=True)]
    return f"once depth is accounted for, {', and '.join(clauses)}"


def _confirmed(given_depth: pd.Series) -> Verdict:
    """The verdict on a partial correlation, open unless encoders of equal depth bear it out."""
    found = verdict(given_depth)
    if found in (Verdict.MORE, Verdict.LESS) and not given_depth["p_equal_depth"] <= _LARGEST_P:
        return Verdict.OPEN
    return found


def _fate(alone: Verdict, given_depth: Verdict) -> str:
    if alone is Verdict.UNDEFINED:
        return ""
    if alone is Verdict.OPEN:
        return {
            Verdict.MORE: "more alignment does go with better classification",
            Verdict.LESS: "more alignment goes with worse classification",
        }.get(given_depth, "")
    if given_depth is alone:
        return "this still holds"
    return {
        Verdict.OPEN: "the data no longer tell",
        Verdict.UNDEFINED: "nothing can be computed",
    }.get(given_depth, "the direction turns round")


def _chance_note(first: pd.DataFrame, key: tuple[str, str]) -> str:
    best, chance = first["best_alignment"].max(), first["chance"].max()
    if not np.isfinite([best, chance]).all() or best > chance:
        return ""
    return (
        f"The alignment is not above chance: the best {metric_label(*key)} found is "
        f"{decimal(best, 3)}, and unrelated representations reach {decimal(chance, 3)} on average."
    )


def _seeds_note(first: pd.DataFrame) -> str:
    orders = first["equal_depth_orders"].min()
    if not orders < 2 / _LARGEST_P:
        return ""
    return (
        "There are too few encoders of equal depth to say what alignment adds to depth; more seeds "
        "would tell."
    )


def _pairs_note(first: pd.DataFrame, views: pd.DataFrame) -> str:
    """Said only where the pairs of all encoders, taken together, answer otherwise than a view."""
    notes = []
    pooled = first[(first["varied_view"] == BOTH_VIEWS) & (first["statistic"] == "spearman")]
    for _, row in pooled.iterrows():
        same = (views["view_a"] == row["view_a"]) & (views["view_b"] == row["view_b"])
        if all(verdict(other) is verdict(row) for _, other in views[same].iterrows()):
            continue
        pairs = f"Over all {row['n']} pairs of {row['view_a']} and {row['view_b']} encoders"
        found = {
            Verdict.MORE: "better aligned pairs have the higher mean accuracy",
            Verdict.LESS: "better aligned pairs have the lower mean accuracy",
            Verdict.OPEN: "the data do not tell whether better aligned pairs are more accurate",
            Verdict.UNDEFINED: "no correlation can be computed",
        }[verdict(row)]
        notes.append(f"{pairs}, {found} ({_evidence(row)}).")
    return " ".join(notes)


def _metric_note(table: pd.DataFrame, other: tuple[str, str], views: pd.DataFrame) -> str:
    rows = _of_metric(table, other)
    rows = rows[(rows["varied_view"] != BOTH_VIEWS) & (rows["statistic"] == "spearman")]
    name = metric_label(*other)
    keys = ["view_a", "view_b", "varied_view"]
    headline = {tuple(row[keys]): verdict(row) for _, row in views.iterrows()}
    if {tuple(row[keys]): verdict(row) for _, row in rows.iterrows()} == headline:
        return f"Measured with {name}, the answer is the same."
    return f"Measured with {name}, the answer differs: {_answer(rows)}."


def _maximum_note(first: pd.DataFrame) -> str:
    most = int(first["most_layer_pairs"].max())
    if most < 2:
        return ""
    return (
        f"Each alignment is the highest of up to {most} layer pairs. A maximum lies above what one "
        "pair reaches by chance, and deeper encoders have more pairs to choose from, so some rise "
        "of alignment with depth is built in."
    )
