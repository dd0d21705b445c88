"""How alike are two representations of the same samples? Exact, native, deterministic.

>>> import numpy as np, mmkernels
>>> x = np.random.default_rng(0).normal(size=(100, 8))
>>> round(float(mmkernels.cka(x, -3 * x + 1)), 6)
1.0
"""

from ._native import _cpu  # noqa: F401 - an unbuilt checkout says so before anything else
from .cknna import cknna
from .gram import Gram, centered_gram, cka, cka_matrix, hsic, prepare_gram
from .measures import measure, measures
from .neighbors import Neighbors, knn
from .overlap import cycle_knn, jaccard_knn, mutual_knn, mutual_knn_matrix
from .ranks import rank_similarity
from .second_order import second_order_cosine
from .sequences import edit_distance_knn, lcs_knn
from .threads import get_num_threads, instruction_set, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "Gram",
    "Neighbors",
    "centered_gram",
    "cka",
    "cka_matrix",
    "cknna",
    "cycle_knn",
    "edit_distance_knn",
    "get_num_threads",
    "hsic",
    "instruction_set",
    "jaccard_knn",
    "knn",
    "lcs_knn",
    "measure",
    "measures",
    "mutual_knn",
    "mutual_knn_matrix",
    "prepare_gram",
    "rank_similarity",
    "second_order_cosine",
    "set_num_threads",
]
