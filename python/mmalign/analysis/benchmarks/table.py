"""A study's correlations in the order of table 1, each beside the published one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from ..correlations import ALIGNMENT_PERFORMANCE
from .published import STATISTICS, TABLE_1

TABLE_COLUMNS = {
    "view_a": "string",
    "view_b": "string",
    "varied_view": "string",
    "version": "string",
    "statistic": "string",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "n": "int64",
    "reason": "string",
    "published": "float64",
    "within": "boolean",
}


def table_1(correlations: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """One row per column of table 1 and version of it; empty for a dataset that is not in it.

    correlations: what :func:`mmalign.analysis.correlations` gives. Looked at are those of the
    alignment that was published: unbiased linear CKA of clamped rows.

    ``value``, ``low`` and ``high`` are the correlation found, of the version's ``statistic``, and
    its interval; ``published`` is the number of the paper, and ``within`` whether it lies in that
    interval (NA without one). The published numbers have no intervals: over other seeds they
    would be others, so that one outside is less of a contradiction than it looks.
    """
    answers = correlations[correlations["relation"] == ALIGNMENT_PERFORMANCE]
    metrics = zip(answers["metric"], answers["options"], strict=True)
    asked = [metric == "cka" and _as_published(json.loads(options)) for metric, options in metrics]
    found = answers[np.array(asked, dtype=bool)].set_index(
        ["view_a", "view_b", "varied_view", "statistic"]
    )
    rows = []
    for place, versions in TABLE_1.get(dataset, {}).items():
        for version, published in versions.items():
            key = (*place, STATISTICS[version])
            if key in found.index:
                rows.append(_row(key, version, published, found.loc[key]))
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS)).astype(TABLE_COLUMNS)


def _row(key: tuple[str, ...], version: str, published: float, found: pd.Series) -> dict:
    known = np.isfinite([found["low"], found["high"]]).all()
    return {
        **dict(zip(("view_a", "view_b", "varied_view", "statistic"), key, strict=True)),
        "version": version,
        **{name: found[name] for name in ("value", "low", "high", "n", "reason")},
        "published": published,
        "within": bool(found["low"] <= published <= found["high"]) if known else pd.NA,
    }


def _as_published(options: dict[str, Any]) -> bool:
    return options["kernel"] == "linear" and options["unbiased"] and "clamp" in options
