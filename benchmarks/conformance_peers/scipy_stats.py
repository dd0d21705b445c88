"""scipy: Procrustes analysis, and representational similarity from its distances and ranks."""

from __future__ import annotations

import math

import numpy as np

from .peer import Call, Peer


def similarity(x, y):
    from scipy.spatial import procrustes

    wide = max(x.shape[1], y.shape[1])
    padded = [np.pad(z, ((0, 0), (0, wide - z.shape[1]))) for z in (x, y)]
    return math.sqrt(1 - procrustes(*padded)[2])


def rsa(x, y, distance, comparison):
    from scipy import stats
    from scipy.spatial.distance import pdist

    return getattr(stats, comparison)(pdist(x, distance), pdist(y, distance)).statistic


def call(metric, distance, comparison, reasons=None):
    return Call(
        metric,
        f"{comparison}(pdist(x, {distance!r}), pdist(y, {distance!r}))",
        lambda x, y: rsa(x, y, distance, comparison),
        computes_in="float64",
        reasons=reasons or {},
    )


PEER = Peer(
    name="scipy",
    calls=(
        Call("procrustes", "sqrt(1 - procrustes(x, y)[2])", similarity, computes_in="float64"),
        call("rsa_correlation_spearman", "correlation", "spearmanr"),
        call("rsa_correlation_pearson", "correlation", "pearsonr"),
        call("rsa_correlation_kendall", "correlation", "kendalltau"),
        call("rsa_euclidean_spearman", "euclidean", "spearmanr"),
        call("rsa_euclidean_pearson", "euclidean", "pearsonr"),
        call("rsa_cosine_pearson", "cosine", "pearsonr"),
    ),
)
