"""The metrics on lists of neighbours, and their specification on the very same lists."""

from __future__ import annotations

import numpy as np

import mmkernels
from mmkernels import reference

# How far two float64 evaluations may differ; what is counted in whole numbers is divided once.
WHOLE, SUMMED = 1e-14, 1e-12
TOLERANCE = {
    "mutual_knn": WHOLE,
    "jaccard_knn": SUMMED,
    "cycle_knn": WHOLE,
    "lcs_knn": 64 * WHOLE,  # of a size up to k
    "edit_distance_knn": SUMMED,
    "rank_similarity": SUMMED,
}
LISTS = tuple(TOLERANCE)
SYMMETRIC = tuple(name for name in LISTS if name != "cycle_knn")


def check_lists(name, x, y, *, k, metric="cosine"):
    """Raises AssertionError unless the metric is what the reference makes of the same neighbours.

    The neighbours themselves are tested elsewhere; equals may come in another order there.
    """
    found = getattr(mmkernels, name)(x, y, k=k, metric=metric)
    lists = [np.asarray(mmkernels.knn(z, k, metric=metric).indices) for z in (x, y)]
    wanted = reference.of_lists(name, *lists)
    assert abs(float(found) - wanted) <= TOLERANCE[name], (name, k, metric, found, wanted)
    return float(found)
