"""How many neighbours two representations would share by chance, on a device."""

from __future__ import annotations

from .._arrays import Array
from ..relabelling import checked_draws
from ._neighbor_lists import pair_score
from .neighbors import DeviceNeighbors


def mutual_knn_null(
    x: Array | DeviceNeighbors,
    y: Array | DeviceNeighbors,
    *,
    k: int = 10,
    permutations: int = 200,
    seed: int = 0,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """:func:`mmkernels.mutual_knn_null` on a device: the same bits, of the same lists.

    All NaN where rows cannot be used, or neighbours that were searched with queries are beyond the
    rows. Zero rows are not excluded here. Cost: two :func:`knn` and a permutation at most O(n k^2);
    k is at most 512. Memory: some 120 bytes a permutation.
    """
    permutations, seed = checked_draws(permutations, seed)
    return pair_score(
        "mutual_knn_null",
        x,
        y,
        k=k,
        metric=metric,
        zero_rows=zero_rows,
        more=(seed, permutations),
        shape=(permutations,),
    )
