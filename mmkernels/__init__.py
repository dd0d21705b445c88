"""How alike are two representations of the same samples? Exact, native, deterministic.

>>> import numpy as np, mmkernels
>>> x = np.random.default_rng(0).normal(size=(100, 8))
>>> round(float(mmkernels.cka(x, -3 * x + 1)), 6)
1.0
"""

from ._native import _cpu  # noqa: F401 - an unbuilt checkout says so before anything else
from .gram import Gram, centered_gram, cka, cka_matrix, hsic, prepare_gram
from .linear_cka import LinearCKA
from .measures import measure, measures
from .neighbors import Neighbors, knn
from .overlap import mutual_knn, mutual_knn_matrix
from .threads import get_num_threads, instruction_set, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "Gram",
    "LinearCKA",
    "Neighbors",
    "centered_gram",
    "cka",
    "cka_matrix",
    "get_num_threads",
    "hsic",
    "instruction_set",
    "knn",
    "measure",
    "measures",
    "mutual_knn",
    "mutual_knn_matrix",
    "prepare_gram",
    "set_num_threads",
]
