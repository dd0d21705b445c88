"""The one table in which every number of the synthetic study's report stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

COLUMNS = {
    "question": "string",
    "statistic": "string",
    "figure": "string",
    "task": "string",
    "metric": "string",
    "options": "string",
    "depth_1": "Int64",
    "score_is": "string",
    "uniqueness": "Int64",
    "transform_depth": "Int64",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "p": "float64",
    "n": "Int64",
    "seeds": "Int64",
    "published": "float64",
    "difference": "float64",
    "published_is": "string",
    "reason": "string",
}

ALIGNMENT_UNIQUENESS = "alignment_uniqueness"
ALIGNMENT_TRANSFORM = "alignment_transform"
ALIGNMENT_PERFORMANCE = "alignment_performance"
PERFORMANCE_DEPTH = "performance_depth"
ALIGNMENT_DEPTH = "alignment_depth"


def statistics_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table; a row names the columns it has, the others are missing.

    ``question`` is what is related to what, ``statistic`` how; ``figure`` the one of the paper
    that shows it. A missing ``uniqueness``, ``transform_depth`` or ``depth_1`` means that the
    number is of all of them, a missing ``metric`` that none is involved. ``score_is`` tells whether
    alignment is "calibrated" or "as measured". ``low`` and ``high``
    bound the 95 percent interval; ``n`` counts points, ``seeds`` repetitions of the training;
    ``difference`` is value - published; ``published_is`` "printed" or "digitised". ``reason`` says
    why a number is missing.
    """
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    for name, kind in COLUMNS.items():
        table[name] = table[name].astype(kind)
    table["reason"] = table["reason"].fillna("")
    return table
