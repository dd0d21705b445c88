"""The metrics in float64 numpy: the specification the native code is tested against.

Every function here builds the n x n matrices it needs and says in a few lines what the result
means. Inputs are (n, d) arrays of finite numbers, rows paired between ``x`` and ``y``; the checks
of the public functions are not repeated.
"""

from .cknna import cknna, cknna_of_lists
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
from .neighbor_lists import (
    cycle_knn,
    edit_distance_knn,
    jaccard_knn,
    lcs_knn,
    of_lists,
    rank_similarity,
    second_order_cosine,
    second_order_cosine_of_lists,
)
from .neighbors import knn, mutual_knn, mutual_knn_matrix, scores, squared_distances
from .predictivity import linear_predictivity, linear_regression
from .relabelling import mutual_knn_null, relabelling
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
    "cka_from_grams",
    "cka_matrix",
    "cknna",
    "cknna_of_lists",
    "cmd",
    "coefficient",
    "cycle_knn",
    "dissimilarities",
    "distance_correlation",
    "edit_distance_knn",
    "gram",
    "hsic",
    "hsic_from_grams",
    "jaccard_knn",
    "knn",
    "lcs_knn",
    "linear_predictivity",
    "linear_regression",
    "median_distance",
    "mutual_knn",
    "mutual_knn_matrix",
    "mutual_knn_null",
    "of_lists",
    "procrustes",
    "procrustes_distance",
    "pwcca",
    "rank_similarity",
    "relabelling",
    "rsa",
    "scores",
    "second_order_cosine",
    "second_order_cosine_of_lists",
    "squared_distances",
    "svcca",
]
