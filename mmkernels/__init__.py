"""How alike are two representations of the same samples? Exact, native, deterministic.

>>> import numpy as np, mmkernels
>>> x = np.random.default_rng(0).normal(size=(100, 8))
>>> round(float(mmkernels.cka(x, -3 * x + 1)), 6)
1.0
"""

from ._native import _cpu  # noqa: F401 - an unbuilt checkout says so before anything else

# isort: split
from . import cuda, mlp_ensemble  # noqa: F401 - load neither CUDA nor torch
from .alignment import cka, cka_matrix, hsic
from .cknna import cknna
from .correlation_matrices import cmd
from .distance import distance_correlation
from .gram import Gram, centered_gram, prepare_gram
from .linear_cka import LinearCKA
from .measures import measure, measure_matrix, measures
from .neighbors import Neighbors, knn
from .overlap import cycle_knn, jaccard_knn, mutual_knn, mutual_knn_matrix
from .predictivity import linear_predictivity, linear_regression
from .ranks import rank_similarity
from .relabelling import mutual_knn_null, relabelling
from .rsa import rsa
from .second_order import second_order_cosine
from .sequences import edit_distance_knn, lcs_knn
from .shapes import angular_shape_distance, procrustes, procrustes_distance
from .subspaces import cca, pwcca, svcca
from .threads import get_num_threads, instruction_set, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "Gram",
    "LinearCKA",
    "Neighbors",
    "angular_shape_distance",
    "cca",
    "centered_gram",
    "cka",
    "cka_matrix",
    "cknna",
    "cmd",
    "cycle_knn",
    "distance_correlation",
    "edit_distance_knn",
    "get_num_threads",
    "hsic",
    "instruction_set",
    "jaccard_knn",
    "knn",
    "lcs_knn",
    "linear_predictivity",
    "linear_regression",
    "measure",
    "measure_matrix",
    "measures",
    "mutual_knn",
    "mutual_knn_matrix",
    "mutual_knn_null",
    "prepare_gram",
    "procrustes",
    "procrustes_distance",
    "pwcca",
    "rank_similarity",
    "relabelling",
    "rsa",
    "second_order_cosine",
    "set_num_threads",
    "svcca",
]
