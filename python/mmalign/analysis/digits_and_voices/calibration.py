"""Scores against what the best layer pair reaches when pictures and sounds are paired at random."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...measure.calibration import calibrated, p_value
from ...study.digits_and_voices.null import NullCell, null_scores
from ...study.results import StudyResults

PERMUTATIONS = 200


def calibrate(
    results: StudyResults, options: str, reference: str, cells: Sequence[str], scores: np.ndarray
) -> pd.DataFrame:
    """Set mutual nearest neighbours against permutations of the samples: one row per cell.

    options: of the metric, as JSON. reference: the encoder held fixed. cells: the others.
    scores:  best score over layer pairs of each, (len(cells),).

    Columns: ``cell``, ``null`` (mean of the nulls), ``z`` (score less that mean, in their standard
    deviations), ``calibrated`` and ``p`` (see :mod:`mmalign.measure.calibration`).
    """
    cell = NullCell(reference, tuple(cells), json.loads(options)["k"], PERMUTATIONS)
    null = null_scores(results, cell)
    mean = null.mean(axis=0)
    return pd.DataFrame(
        {
            "cell": list(cells),
            "null": mean,
            "z": (scores - mean) / null.std(axis=0),
            "calibrated": calibrated(scores, null),
            "p": p_value(scores, null),
        }
    )
