"""Correlations with their intervals in words: one, or one for each level of U."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..conclusion import Verdict, verdict
from ..labels import NO_BREAK, decimal, joined

_LARGEST_P = 0.05

ALIGNMENT_WORDS = {
    Verdict.MORE: "at {levels} encoders that align more classify better",
    Verdict.LESS: "at {levels} encoders that align more classify worse",
    Verdict.OPEN: "at {levels} the data do not tell",
    Verdict.UNDEFINED: "at {levels} no interval can be given",
}


def evidence(row: pd.Series) -> str:
    """A correlation with its interval, or why it has none."""
    if not np.isfinite(row["value"]):
        return str(row["reason"])
    if verdict(row) is Verdict.UNDEFINED:
        return f"Spearman {decimal(row['value'])} without an interval, {row['reason']}"
    return (
        f"Spearman {decimal(row['value'])}, 95% interval {decimal(row['low'])} to "
        f"{decimal(row['high'])}"
    )


def confirmed(row: pd.Series) -> Verdict:
    """The verdict on what alignment adds to depth, open unless the exchange bears it out."""
    found = verdict(row)
    if found in (Verdict.MORE, Verdict.LESS) and not row["p"] <= _LARGEST_P:
        return Verdict.OPEN
    return found


def by_verdict(
    rows: pd.DataFrame,
    judge: Callable[[pd.Series], Verdict],
    words: dict[Verdict, str] = ALIGNMENT_WORDS,
) -> str:
    """The levels of U by verdict, each group with its numbers."""
    groups: dict[Verdict, list[pd.Series]] = {}
    for _, row in rows.iterrows():
        groups.setdefault(judge(row), []).append(row)
    clauses = []
    for found in words:
        if found in groups:
            levels = level_names([int(row["uniqueness"]) for row in groups[found]])
            clauses.append(f"{words[found].format(levels=levels)} ({span(groups[found])})")
    return "; ".join(clauses)


def span(rows: list[pd.Series]) -> str:
    """The number of one level, or the weakest and the strongest of several."""
    known = [row for row in rows if np.isfinite(row["value"])]
    if not known:
        return str(rows[0]["reason"])
    if len(known) == 1:
        return evidence(known[0])
    ordered = sorted(known, key=lambda row: row["value"])
    ends = [
        f"{decimal(row['value'])} ({decimal(row['low'])} to {decimal(row['high'])}) at "
        f"U{NO_BREAK}={NO_BREAK}{row['uniqueness']}"
        if np.isfinite(row["low"])
        else f"{decimal(row['value'])} at U{NO_BREAK}={NO_BREAK}{row['uniqueness']}"
        for row in (ordered[0], ordered[-1])
    ]
    return f"Spearman from {ends[0]} to {ends[1]}"


def level_names(levels: list[int]) -> str:
    """``U = 0 to 3, 5 and 8``."""
    runs: list[list[int]] = []
    for level in levels:
        if runs and level == runs[-1][-1] + 1:
            runs[-1].append(level)
        else:
            runs.append([level])
    parts = []
    for run in runs:
        parts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(one) for one in run]
    return f"U{NO_BREAK}={NO_BREAK}{joined(parts)}"


def sentence(text: str) -> str:
    """``text`` with a capital letter, whatever its other letters are."""
    return text[:1].upper() + text[1:]
