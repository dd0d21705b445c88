"""The metrics in float64 numpy: the specification the native code is tested against.

Every function here builds the n x n matrices it needs and says in a few lines what the result
means. Inputs are (n, d) arrays of finite numbers, rows paired between ``x`` and ``y``; the checks
of the public functions are not repeated.
"""

from .distance import distance_correlation
from .gram import (
    centered_gram,
    cka,
    cka_from_grams,
    cka_matrix,
    cmd,
    gram,
    hsic,
    hsic_from_grams,
    median_distance,
)
from .neighbors import knn, mutual_knn, mutual_knn_matrix, scores, squared_distances

__all__ = [
    "centered_gram",
    "cka",
    "cka_from_grams",
    "cka_matrix",
    "cmd",
    "distance_correlation",
    "gram",
    "hsic",
    "hsic_from_grams",
    "knn",
    "median_distance",
    "mutual_knn",
    "mutual_knn_matrix",
    "scores",
    "squared_distances",
]
