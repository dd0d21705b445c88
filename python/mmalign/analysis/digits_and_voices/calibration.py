"""What the best layer pair would score if pictures and sounds were paired at random."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...study.results import StudyResults
from ...study.synthetic.cell import MetricRequest
from ...study.synthetic.layers import prepare
from ...study.synthetic.null import calibrated, null_maxima, p_value, threshold

PERMUTATIONS = 200


def calibrate(
    results: StudyResults, options: str, reference: str, cells: Sequence[str], scores: np.ndarray
) -> pd.DataFrame:
    """Set mutual nearest neighbours against permutations of the samples: one row per cell.

    options:   of the metric, as JSON. reference: the encoder held fixed. cells: the others.
    scores:    best score over layer pairs of each, (len(cells),).

    Every permutation is applied to all layers of the reference, and the best pair is chosen
    again. Columns: ``cell``, ``null`` (mean of the nulls), ``z`` (score less the mean, in standard
    deviations), ``calibrated`` and ``p`` (see :mod:`mmalign.study.synthetic.null`).
    """
    request = MetricRequest("mutual_knn", {"k": json.loads(options)["k"]})
    layers = [results.representations(cell) for cell in cells]
    fixed = results.representations(reference)
    null = null_maxima(
        prepare(request, fixed),
        prepare(request, [layer for own in layers for layer in own]),
        [len(fixed)],
        [len(own) for own in layers],
        PERMUTATIONS,
        0,
    )[:, 0]
    mean, deviation = null.mean(axis=0), null.std(axis=0)
    return pd.DataFrame(
        {
            "cell": list(cells),
            "null": mean,
            "z": (scores - mean) / deviation,
            "threshold": threshold(scores, null),
            "calibrated": calibrated(scores, null),
            "p": p_value(scores, null),
        }
    )
