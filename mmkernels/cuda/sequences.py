"""How alike the order is in which two representations list their neighbours, on a device."""

from __future__ import annotations

from .._arrays import Array
from ._neighbor_lists import pair_score
from .neighbors import DeviceNeighbors


def lcs_knn(
    x: Array | DeviceNeighbors,
    y: Array | DeviceNeighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """:func:`mmkernels.lcs_knn` on a device; all else as of :func:`mmkernels.cuda.mutual_knn`.

    Cost: two :func:`mmkernels.cuda.knn`, and O(n k ceil(k / 64)) (n k^2 for k up to 64).
    """
    return pair_score("lcs_knn", x, y, k=k, metric=metric, zero_rows=zero_rows)


def edit_distance_knn(
    x: Array | DeviceNeighbors,
    y: Array | DeviceNeighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """:func:`mmkernels.edit_distance_knn` on a device; all else as of :func:`lcs_knn`."""
    return pair_score("edit_distance_knn", x, y, k=k, metric=metric, zero_rows=zero_rows)
