"""The metrics in float64 numpy: the specification the native code is tested against.

Every function here builds the n x n matrices it needs and says in a few lines what the result
means. Inputs are (n, d) arrays of finite numbers, rows paired between ``x`` and ``y``; the checks
of the public functions are not repeated.
"""

from .gram import (
    centered_gram,
    cka,
    cka_matrix,
    gram,
    hsic,
    hsic_from_grams,
    median_distance,
)
from .neighbors import knn, mutual_knn, mutual_knn_matrix, scores, squared_distances
from .predictivity import linear_predictivity, linear_regression
from .rsa import average_ranks, coefficient, dissimilarities, rsa
from .shapes import angular_shape_distance, procrustes, procrustes_distance
from .subspaces import canonical_correlations, cca, pwcca, svcca

__all__ = [
    "angular_shape_distance",
    "average_ranks",
    "canonical_correlations",
    "cca",
    "centered_gram",
    "cka",
    "cka_matrix",
    "coefficient",
    "dissimilarities",
    "gram",
    "hsic",
    "hsic_from_grams",
    "knn",
    "linear_predictivity",
    "linear_regression",
    "median_distance",
    "mutual_knn",
    "mutual_knn_matrix",
    "procrustes",
    "procrustes_distance",
    "pwcca",
    "rsa",
    "scores",
    "squared_distances",
    "svcca",
]
