"""Are the encoders as good as the published ones, and none better than possible?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from . import published
from .labels import task_name
from .statistics import statistics_table
from .tables import PAPER_TASK, UNTRANSFORMED, SyntheticResults

TOLERANCE = 0.015
# What the split leaves for the test, as in the paper.
_TEST_SHARE = 0.15
_FEWEST_STANDARD_ERRORS = 4.0
_FALSE_ALARMS = 0.05

VALIDATION = "validation_accuracy"
CEILING = "ceiling"


def check_statistics(results: SyntheticResults) -> pd.DataFrame:
    """Validation accuracy beside the published one, and accuracy beside the Bayes ceiling.

    ``validation_accuracy``: mean over seeds and the (D_phi, depth) that the published search
    trained, as far as the study holds them (``n`` of seven), for each view of the paper's task.
    ``ceiling``: for each task and view the encoder whose test accuracy lies highest over its
    ceiling, in standard errors of one accuracy (``value``), and how many standard errors chance
    allows over all encoders (``high``).
    """
    rows = [*_validation_rows(results), *_ceiling_rows(results)]
    return statistics_table(rows)


def _validation_rows(results: SyntheticResults) -> list[dict[str, Any]]:
    rows = []
    encoders = results.encoders[results.encoders["task"] == PAPER_TASK]
    for (redundancy, view), own in encoders.groupby(["redundancy", "view"]):
        per_cell = own.groupby(["transform_depth", "depth"])["valid_accuracy"].mean()
        # Without a transformation there is one cell a depth, whatever D_phi the search paired.
        alone = (own["transform_depth"] == UNTRANSFORMED).all()
        wanted = [
            (UNTRANSFORMED if alone else transform, depth)
            for transform, depth in published.VALIDATION_CELLS
        ]
        found = [per_cell[cell] for cell in wanted if cell in per_cell.index]
        told = published.VALIDATION_ACCURACY[int(redundancy)][int(view) - 1]
        value = float(np.mean(found)) if found else np.nan
        rows.append(
            {
                "question": VALIDATION,
                "statistic": f"view_{view}",
                "task": PAPER_TASK,
                "uniqueness": int(own["uniqueness"].iloc[0]),
                "value": value,
                "published": told,
                "difference": value - told,
                "published_is": "printed",
                "n": len(found),
                "seeds": own["seed"].nunique(),
                "reason": "" if found else "none of the published cells was run",
            }
        )
    return rows


def _ceiling_rows(results: SyntheticResults) -> list[dict[str, Any]]:
    encoders = results.encoders
    samples = _TEST_SHARE * min(grid["settings"]["samples"] for grid in results.study["grids"])
    ceiling = encoders["bayes_accuracy"]
    excess = (encoders["test_accuracy"] - ceiling) / np.sqrt(ceiling * (1 - ceiling) / samples)
    allowed = max(
        _FEWEST_STANDARD_ERRORS, float(stats.norm.isf(_FALSE_ALARMS / max(len(encoders), 1)))
    )
    rows = []
    for (task, view), own in encoders.groupby(["task", "view"], sort=False):
        highest = encoders.loc[excess[own.index].idxmax()]
        rows.append(
            {
                "question": CEILING,
                "statistic": f"view_{view}",
                "task": task,
                "uniqueness": int(highest["uniqueness"]),
                "value": float(excess[own.index].max()),
                "high": allowed,
                "n": len(own),
                "seeds": own["seed"].nunique(),
            }
        )
    return rows


def check_sentences(table: pd.DataFrame) -> list[str]:
    """The outcome of both checks in words."""
    validation = table[(table["question"] == VALIDATION) & table["difference"].notna()]
    sentences = []
    if len(validation):
        close = int((validation["difference"].abs() <= TOLERANCE).sum())
        worst = validation.loc[validation["difference"].abs().idxmax()]
        view = str(worst["statistic"]).replace("_", " ")
        sentences.append(
            f"Of {len(validation)} published validation accuracies, {close} are met within "
            f"{100 * TOLERANCE:.1f} points; the largest difference is "
            f"{_points(worst['difference'])} points ({view}, U\u00a0=\u00a0{worst['uniqueness']})."
        )
    ceilings = table[table["question"] == CEILING]
    over = ceilings[ceilings["value"] > ceilings["high"]]
    encoders = int(ceilings["n"].sum())
    if len(over):
        tasks = "; ".join(
            f"{task_name(row.task)}, {row.statistic.replace('_', ' ')}" for row in over.itertuples()
        )
        sentences.append(
            f"Some of the {encoders} encoders lie above the best accuracy possible by more than "
            f"chance allows ({tasks}): labels have leaked or a ceiling is wrong."
        )
    elif len(ceilings):
        sentences.append(
            f"None of the {encoders} encoders lies above the best accuracy possible by more than "
            f"chance allows (at most {ceilings['value'].max():.1f} standard errors, "
            f"{ceilings['high'].iloc[0]:.1f} allowed)."
        )
    return sentences


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")
