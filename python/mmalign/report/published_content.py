"""The words and the table that set a study beside the published table 1."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..analysis.labels import NO_BREAK, decimal

_PUBLISHED_ENCODERS = 30


def published_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a column of the published table, with both versions of it."""
    lines = []
    for (view_a, view_b, varied), rows in table.groupby(
        ["view_a", "view_b", "varied_view"], sort=False
    ):
        other = view_b if varied == view_a else view_a
        lines.append(
            {
                "who": f"{varied} encoders, with the best {other} encoder",
                "versions": [_version(row) for _, row in rows.iterrows()],
                "n": rows["n"].iloc[0],
            }
        )
    return lines


def _version(row: pd.Series) -> dict[str, str]:
    interval = f"{decimal(row['low'])}{NO_BREAK}to{NO_BREAK}{decimal(row['high'])}"
    return {
        "value": decimal(row["value"], 3),
        "interval": row["reason"] or interval,
        "published": decimal(row["published"], 3),
        "within": "–" if pd.isna(row["within"]) else "yes" if row["within"] else "no",
    }


def published_sentences(table: pd.DataFrame, as_published: bool) -> list[str]:
    """How many published numbers lie in the intervals, and whether they must.

    as_published: whether the encoders are those of the published recipe.
    """
    sentences = []
    for version, rows in table.groupby("version", sort=False):
        known = rows["within"].dropna()
        inside = int(known.sum())
        sentences.append(
            f"Of the {version} version {inside} of {len(known)} numbers that can be compared "
            f"{'lies' if inside == 1 else 'lie'} in the interval found here."
        )
    if not as_published:
        sentences.append(
            f"This is not the published recipe, whose numbers are of {_PUBLISHED_ENCODERS} "
            "encoders each: other encoders, or others trained, need not give them."
        )
    return sentences
