"""Balances, views and numbers in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ...data.digits_and_voices import BALANCES
from ..conclusion import Verdict, verdict
from ..labels import NO_BREAK, decimal, joined
from .statistics import VIEW_NAMES


def balance_label(name: str) -> str:
    """A balance on one line: its task, and U on the way from redundant to unique."""
    words = {
        "digit": f"U{NO_BREAK}={NO_BREAK}0 (the digit)",
        "voice": "the voice",
        "both": "the sum of two digits",
        "both-1": "one bit summed",
        "both-2": "two bits summed",
    }
    if name in words:
        return words[name]
    return f"U{NO_BREAK}={NO_BREAK}{BALANCES[name].uniqueness}"


def number(row: pd.Series, digits: int = 2) -> str:
    """A number with its interval: ``.81 (.62 to .90)``."""
    text = decimal(row["value"], digits)
    if np.isfinite(row["low"]):
        text += f" ({decimal(row['low'], digits)} to {decimal(row['high'], digits)})"
    return text


def by_view(rows: pd.DataFrame, digits: int = 2) -> str:
    """The number of each view: ``pictures .81 (.62 to .90), sounds ...``."""
    return ", ".join(
        f"{VIEW_NAMES[row['view']]}s {number(row, digits)}" for _, row in rows.iterrows()
    )


def balances_by_verdict(
    rows: pd.DataFrame, judge: Callable[[pd.Series], Verdict]
) -> dict[Verdict, list[str]]:
    """Where each verdict holds: a balance, with its numbers; by view where the views differ."""
    groups: dict[Verdict, list[str]] = {}
    for name, own in rows.groupby("balance", sort=False):
        verdicts = [judge(row) for _, row in own.iterrows()]
        if len(set(verdicts)) == 1:
            parts = [(verdicts[0], own, "")]
        else:
            parts = [
                (found, own.iloc[place : place + 1], f" for {_encoders(own.iloc[place])}")
                for place, found in enumerate(verdicts)
            ]
        for found, part, who in parts:
            text = balance_label(name) + who
            if found is not Verdict.UNDEFINED:
                text += f": {number(part.iloc[0]) if who else by_view(part)}"
            groups.setdefault(found, []).append(text)
    return groups


def places(rows: pd.DataFrame, wanted: Verdict) -> list[str]:
    """The balances, by name, at which every view that has a performance has one verdict.

    With ``Verdict.UNDEFINED`` those at which no view has one.
    """
    names = []
    for name, own in rows.groupby("balance", sort=False):
        found = {verdict(row) for _, row in own.iterrows()}
        if found == {wanted} or found - {Verdict.UNDEFINED} == {wanted}:
            names.append(str(name))
    return names


def labels(names: list[str]) -> str:
    """``U = 0 (the digit), U = 1 and the voice``."""
    return joined([balance_label(name) for name in names])


def verdicts_by_view(rows: pd.DataFrame, words: dict[Verdict, str]) -> str:
    """The words of the verdict that the views share, or those of each view."""
    found = [(row, words[verdict(row)]) for _, row in rows.iterrows()]
    if len({text for _, text in found}) == 1:
        return found[0][1]
    return ", ".join(f"for {_encoders(row)} {text}" for row, text in found)


def _encoders(row: pd.Series) -> str:
    return f"{VIEW_NAMES[row['view']]} encoders"
