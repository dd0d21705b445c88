"""Does alignment go with performance? One row per answer, with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..files import atomic_path
from .comparisons import BOTH_VIEWS, Comparison, comparisons
from .exchange import exchange_test
from .intervals import LEVEL, RESAMPLES, Estimate, estimate

if TYPE_CHECKING:
    from ..study.results import StudyResults

ALIGNMENT_PERFORMANCE = "alignment_performance"
PERFORMANCE_DEPTH = "performance_depth"
ALIGNMENT_DEPTH = "alignment_depth"
STATISTICS = ("spearman", "pearson")
PARTIAL_STATISTICS = ("partial_spearman", "partial_pearson")

COLUMNS = {
    "metric": "string",
    "options": "string",
    "view_a": "string",
    "view_b": "string",
    "varied_view": "string",
    "relation": "string",
    "statistic": "string",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "level": "float64",
    "p_equal_depth": "float64",
    "equal_depth_orders": "float64",
    "n": "int64",
    "encoders": "int64",
    "reference": "string",
    "best_alignment": "float64",
    "chance": "float64",
    "most_layer_pairs": "int64",
    "resamples": "int64",
    "reason": "string",
}


def correlations(results: StudyResults, *, resamples: int = RESAMPLES) -> pd.DataFrame:
    """Correlations of alignment, performance and depth over the encoders of a study.

    One row per metric (with its options), varied view, relation and statistic. ``varied_view``
    is the view whose encoders are the points while the other view's best encoder (the cell in
    ``reference``) is held fixed; ``"both"`` has every pair of encoders as a point, against their
    mean accuracy. ``relation`` is ``alignment_performance``, ``performance_depth`` or
    ``alignment_depth``; ``statistic`` is ``spearman`` or ``pearson`` and, for the first relation,
    ``partial_spearman`` or ``partial_pearson`` (given depth; given both depths for pairs).

    ``p_equal_depth``, beside the partial statistics of one view, tests the relation among encoders
    of equal depth (see :mod:`mmalign.analysis.exchange`): a partial correlation alone takes what
    is not a straight line in depth for a relation. ``equal_depth_orders`` is in how many ways such
    encoders can change places; the test can find nothing at the 5 percent level below 40.

    ``low`` and ``high`` bound the ``level`` bootstrap interval over encoders (see
    :mod:`mmalign.analysis.intervals`), the reference being held fixed; ``n`` counts points,
    ``encoders`` what was resampled. ``best_alignment`` is the highest score of the points,
    ``chance`` the highest chance level of one layer pair among them, and ``most_layer_pairs`` over
    how many layer pairs a best score was taken at most: a maximum over many pairs lies above the
    chance of one. Where a number is undefined it is NaN and ``reason`` says why.
    Deterministic. Time grows with resamples x points.
    """
    rows = [row for comparison in comparisons(results) for row in _rows(comparison, resamples)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def write_correlations(results: StudyResults) -> Path:
    """Write :func:`correlations` to ``correlations.parquet`` in the study directory."""
    path = Path(results.directory) / "correlations.parquet"
    write_table(correlations(results), path)
    return path


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, atomically."""
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False)


def _rows(comparison: Comparison, resamples: int) -> Iterator[dict[str, Any]]:
    points = comparison.points
    shared = {
        "metric": comparison.metric,
        "options": comparison.options,
        "view_a": comparison.view_a,
        "view_b": comparison.view_b,
        "varied_view": comparison.varied_view,
        "level": LEVEL,
        "n": len(points),
        "encoders": sum(len(np.unique(way)) for way in comparison.encoders),
        "reference": None if comparison.reference is None else comparison.reference["cell"],
        "best_alignment": points["alignment"].max(),
        "chance": points["chance"].max(),
        "most_layer_pairs": points["layer_pairs"].max() if len(points) else 0,
        "resamples": resamples,
    }
    for relation, statistic, found in _estimates(comparison, resamples):
        yield shared | {
            "relation": relation,
            "statistic": statistic,
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "reason": found.reason,
            "p_equal_depth": np.nan,
            "equal_depth_orders": np.nan,
            **_among_equal_depth(comparison, statistic, found),
        }


def _among_equal_depth(comparison: Comparison, statistic: str, found: Estimate) -> dict[str, float]:
    if (
        statistic not in PARTIAL_STATISTICS
        or comparison.varied_view == BOTH_VIEWS
        or np.isnan(found.value)
    ):
        return {}
    points = comparison.points
    test = exchange_test(
        statistic.removeprefix("partial_"),
        points["alignment"].to_numpy(float),
        points["performance"].to_numpy(float),
        points["depth"].to_numpy(float),
    )
    return {"p_equal_depth": test.p, "equal_depth_orders": test.orders}


def _estimates(comparison: Comparison, resamples: int) -> Iterator[tuple[str, str, Estimate]]:
    points = comparison.points
    alignment = points["alignment"].to_numpy(float)
    performance = points["performance"].to_numpy(float)
    depth = points["depth"].to_numpy(float)
    pairs_of_variables = {ALIGNMENT_PERFORMANCE: ("alignment", alignment, "accuracy", performance)}
    if comparison.varied_view != BOTH_VIEWS:
        pairs_of_variables[PERFORMANCE_DEPTH] = ("accuracy", performance, "depth", depth)
        pairs_of_variables[ALIGNMENT_DEPTH] = ("alignment", alignment, "depth", depth)
    unreferenced = comparison.varied_view != BOTH_VIEWS and comparison.reference is None
    for relation, (name_x, x, name_y, y) in pairs_of_variables.items():
        partial = PARTIAL_STATISTICS if relation == ALIGNMENT_PERFORMANCE else ()
        for statistic in (*STATISTICS, *partial):
            if unreferenced:
                reason = "no encoder of the other view has a validation accuracy"
                yield relation, statistic, Estimate(np.nan, np.nan, np.nan, reason)
                continue
            yield (
                relation,
                statistic,
                estimate(
                    statistic.removeprefix("partial_"),
                    x,
                    y,
                    comparison.encoders,
                    comparison.depths if statistic in partial else None,
                    names=(name_x, name_y),
                    resamples=resamples,
                ),
            )
