"""The points behind every number: one encoder with its alignment and its performance."""

from __future__ import annotations

import pandas as pd

from ...study.digits_and_voices import DigitsAndVoicesResults
from ...study.results import StudyResults
from ..comparisons import BOTH_VIEWS, Comparison, comparisons
from .calibration import calibrate
from .performance import expected_accuracy

COLUMNS = {
    "balance": "string",
    "uniqueness": "int64",
    "synergy": "int64",
    "metric": "string",
    "options": "string",
    "view": "string",
    "depth": "int64",
    "seed": "int64",
    "cell": "string",
    "reference": "string",
    "alignment": "float64",
    "chance": "float64",
    "null": "float64",
    "z": "float64",
    "calibrated": "float64",
    "p": "float64",
    "accuracy": "float64",
    "expected": "float64",
    "error": "float64",
    "ceiling": "float64",
    "performance": "float64",
}


def points_table(results: DigitsAndVoicesResults) -> pd.DataFrame:
    """One row per balance, metric, view and encoder of that view.

    alignment:   its best score over layer pairs with the other view's best encoder (``reference``,
                 chosen on the validation split).
    calibrated:  of mutual nearest neighbours, against permuted samples; NaN for other metrics.
    accuracy:    on the test split. expected: see
                 :func:`mmalign.analysis.digits_and_voices.performance.expected_accuracy`.
    performance: ``expected`` over ``ceiling``.

    Rows of a balance, metric and view are sorted by depth and seed. Takes seconds a balance, for
    the permutations.
    """
    tables = []
    for balance, own in results.items():
        known = expected_accuracy(own, balance, results.latents[balance.name])
        accuracy = own.encoders.set_index("cell")["test_accuracy"]
        for comparison in comparisons(own):
            if comparison.varied_view == BOTH_VIEWS or comparison.reference is None:
                continue
            table = _points(own, comparison).assign(
                balance=balance.name,
                uniqueness=balance.uniqueness,
                synergy=balance.count("both"),
            )
            table["accuracy"] = table["cell"].map(accuracy)
            tables.append(table.merge(known, on="cell", validate="one_to_one"))
    table = pd.concat(tables, ignore_index=True)
    table["performance"] = table["expected"] / table["ceiling"]
    return table.reindex(columns=list(COLUMNS)).astype(COLUMNS)


def _points(results: StudyResults, comparison: Comparison) -> pd.DataFrame:
    encoders = results.encoders[results.encoders["view"] == comparison.varied_view]
    reference = comparison.reference["cell"]
    table = (
        comparison.points[["depth", "seed", "alignment", "chance"]]
        .merge(encoders[["depth", "seed", "cell"]], on=["depth", "seed"], validate="one_to_one")
        .sort_values(["depth", "seed"], ignore_index=True)
        .assign(
            metric=comparison.metric,
            options=comparison.options,
            view=comparison.varied_view,
            reference=reference,
        )
    )
    if comparison.metric != "mutual_knn":
        return table
    found = calibrate(
        results,
        comparison.options,
        reference,
        table["cell"].tolist(),
        table["alignment"].to_numpy(float),
    )
    return table.merge(found, on="cell", validate="one_to_one")
