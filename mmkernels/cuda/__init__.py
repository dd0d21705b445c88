"""Metrics of arrays in CUDA memory, on the caller's current stream.

The functions of :mod:`mmkernels` come here by themselves where an argument lies on a device, so
there is seldom a reason to name this package; :func:`check` and :func:`is_available` are the
exceptions. Nothing waits for the device, except :func:`check`.

>>> mmkernels.cuda.is_available() or mmkernels.cuda.why_unavailable() is not None
True
"""

from __future__ import annotations

from . import _module
from .alignment import cka, cka_matrix, hsic
from .features import check
from .gram import DeviceGram, centered_gram, prepare_gram
from .neighbors import DeviceNeighbors, knn
from .overlap import cycle_knn, jaccard_knn, mutual_knn, mutual_knn_matrix
from .relabelling import mutual_knn_null
from .sequences import edit_distance_knn, lcs_knn
from .streaming import knn_of_host_rows

__all__ = [
    "DeviceGram",
    "DeviceNeighbors",
    "centered_gram",
    "check",
    "cka",
    "cka_matrix",
    "cycle_knn",
    "device_count",
    "edit_distance_knn",
    "hsic",
    "is_available",
    "jaccard_knn",
    "knn",
    "knn_of_host_rows",
    "lcs_knn",
    "mutual_knn",
    "mutual_knn_matrix",
    "mutual_knn_null",
    "prepare_gram",
    "why_unavailable",
]


def is_available() -> bool:
    """Whether this installation has the CUDA back end and this machine a device for it."""
    return device_count() > 0


def why_unavailable() -> str | None:
    """A sentence that says what is missing; None where :func:`is_available`."""
    return _module.availability()[1]


def device_count() -> int:
    """The CUDA devices of this machine; 0 where they cannot be used."""
    return _module.availability()[0]
