"""Balances, views and numbers in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...data.digits_and_voices import BALANCES
from ..conclusion import Verdict, verdict
from ..labels import NO_BREAK, decimal, joined
from .statistics import VIEW_NAMES


def balance_label(name: str) -> str:
    """A balance on one line: its task, and U on the way from redundant to unique."""
    words = {
        "digit": "the digit",
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


def balances_by_verdict(rows: pd.DataFrame) -> dict[Verdict, list[str]]:
    """Where each verdict holds: a balance, with its numbers; by view where the views differ."""
    groups: dict[Verdict, list[str]] = {}
    for name, own in rows.groupby("balance", sort=False):
        verdicts = [verdict(row) for _, row in own.iterrows()]
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
                text += f" ({by_view(part) if not who else number(part.iloc[0])})"
            groups.setdefault(found, []).append(text)
    return groups


def places(rows: pd.DataFrame, wanted: Verdict) -> str:
    """The balances at which every view that has a performance has one verdict."""
    names = []
    for name, own in rows.groupby("balance", sort=False):
        found = {verdict(row) for _, row in own.iterrows()} - {Verdict.UNDEFINED}
        if found == {wanted}:
            names.append(balance_label(name))
    return joined(names)


def _encoders(row: pd.Series) -> str:
    return f"{VIEW_NAMES[row['view']]} encoders"
