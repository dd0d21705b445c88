"""Every number of the report: at each balance, and along the two axes of balances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ..exchange import exchange_test
from ..intervals import LEVEL, RESAMPLES, Estimate, estimate
from .axes import AXES, aligned, trend, weighted_means
from .performance import CHANCE

ALIGNMENT_PERFORMANCE = "alignment_performance"
ALIGNMENT = "alignment"
PERFORMANCE = "performance"
ALIGNMENT_TREND = "alignment_trend"
CORRELATION_TREND = "correlation_trend"
GIVEN_DEPTH = "partial_spearman"

VIEW_NAMES = {"image": "picture", "audio": "sound"}
NOTHING = "nothing to predict"
_STANDARD_ERRORS_ABOVE_CHANCE = 3

COLUMNS = {
    "question": "string",
    "balance": "string",
    "axis": "string",
    "metric": "string",
    "options": "string",
    "view": "string",
    "statistic": "string",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "level": "float64",
    "p": "float64",
    "n": "int64",
    "reason": "string",
}


def statistics_table(points: pd.DataFrame, *, resamples: int = RESAMPLES) -> pd.DataFrame:
    """Return all statistics of :func:`points_table`, one a row; deterministic.

    ``alignment_performance``: Spearman's correlation of alignment with performance over the
    encoders of a view, plain and given depth, as :func:`mmalign.analysis.correlations` has them;
    NaN with a reason where there is nothing to predict.
    ``alignment``: its mean over the encoders, the highest, and the share above chance (p of at most
    0.05); for mutual nearest neighbours calibrated. ``performance``: mean and highest.
    ``alignment_trend``, ``correlation_trend``: slope of the mean alignment, and of Spearman's
    correlation, per bit that an axis moves.

    Intervals are over encoders, the reference being held fixed; along an axis an encoder of equal
    depth and seed is the same draw at every balance.
    """
    rows = []
    for key, own in points.groupby(["metric", "options", "view"], sort=False):
        shared = dict(zip(("metric", "options", "view"), key, strict=True))
        for name, at in own.groupby("balance", sort=False):
            rows += [shared | {"balance": name, **row} for row in _at_balance(at, resamples)]
        for axis in AXES:
            rows += [shared | {"axis": axis, **row} for row in _along(own, axis, resamples)]
    table = pd.DataFrame(rows).assign(level=LEVEL)
    return table.reindex(columns=list(COLUMNS)).fillna({"reason": ""}).astype(COLUMNS)


def why_nothing_to_predict(at: pd.DataFrame) -> str:
    """Say why the encoders of one view at one balance have no performance; empty if they have."""
    view = VIEW_NAMES[at["view"].iloc[0]]
    if at["ceiling"].iloc[0] <= CHANCE:
        return f"{NOTHING}, as the {view} alone tells nothing of the label"
    least = CHANCE + _STANDARD_ERRORS_ABOVE_CHANCE * at["error"]
    if not (at["expected"] > least).any():
        return f"{NOTHING}, as no {view} encoder does better than chance"
    return ""


def _at_balance(at: pd.DataFrame, resamples: int) -> Iterator[dict[str, Any]]:
    at = at.reset_index(drop=True)
    n = len(at)
    nothing = why_nothing_to_predict(at)
    for statistic in ("spearman", GIVEN_DEPTH):
        if nothing:
            found, p = Estimate(np.nan, np.nan, np.nan, nothing), np.nan
        else:
            found, p = _correlation(at, statistic, resamples)
        yield _row(ALIGNMENT_PERFORMANCE, statistic, found, n, p)
    for question, values in ((ALIGNMENT, aligned(at)), (PERFORMANCE, at["performance"])):
        if question == PERFORMANCE and nothing:
            # What is expected of any guess is the whole of a ceiling that lies at chance.
            mean = highest = Estimate(np.nan, np.nan, np.nan, nothing)
        else:
            mean = weighted_means(values.to_numpy(), resamples)
            highest = Estimate(float(values.max()), np.nan, np.nan)
        yield _row(question, "mean", mean, n)
        yield _row(question, "highest", highest, n)
    if at["p"].notna().any():
        share = Estimate(float((at["p"] <= 0.05).mean()), np.nan, np.nan)
        yield _row(ALIGNMENT, "share_above_chance", share, n)


def _correlation(at: pd.DataFrame, statistic: str, resamples: int) -> tuple[Estimate, float]:
    alignment, performance, depth = (
        at[name].to_numpy(float) for name in ("alignment", "performance", "depth")
    )
    partial = statistic == GIVEN_DEPTH
    found = estimate(
        "spearman",
        alignment,
        performance,
        np.arange(len(at))[None],
        depth[None] if partial else None,
        names=("alignment", "performance"),
        resamples=resamples,
    )
    if not partial or np.isnan(found.value):
        return found, np.nan
    return found, exchange_test("spearman", alignment, performance, depth).p


def _along(own: pd.DataFrame, axis: str, resamples: int) -> Iterator[dict[str, Any]]:
    levels = {name: at for name, at in own.groupby("balance", sort=False) if name in AXES[axis]}
    for question in (ALIGNMENT_TREND, CORRELATION_TREND):
        chosen = {
            AXES[axis].index(name): at.reset_index(drop=True)
            for name, at in levels.items()
            if question == ALIGNMENT_TREND or not why_nothing_to_predict(at)
        }
        found = trend(chosen, correlation=question == CORRELATION_TREND, resamples=resamples)
        yield _row(question, "slope", found, len(chosen))


def _row(
    question: str, statistic: str, found: Estimate, n: int, p: float = np.nan
) -> dict[str, Any]:
    return {
        "question": question,
        "statistic": statistic,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "p": p,
        "n": n,
        "reason": found.reason,
    }
