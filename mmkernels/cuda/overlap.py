"""How many neighbours two representations share, on a device."""

from __future__ import annotations

from collections.abc import Sequence

from .._arrays import Array, same_samples
from .._checks import METRICS, one_of
from ._arrays import device_inputs
from ._call import Call
from ._neighbor_lists import lists_of, neighbor_lists, pair_score
from .neighbors import DeviceNeighbors


def mutual_knn(
    x: Array | DeviceNeighbors,
    y: Array | DeviceNeighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """:func:`mmkernels.mutual_knn` of arrays in CUDA memory, or of neighbours found there.

    NaN where rows cannot be used: see :func:`mmkernels.cuda.check`. Zero rows are not excluded
    here, as the call would have to wait to know them. Cost: two :func:`knn` and O(n k); k is at
    most 512.
    """
    return pair_score("mutual_knn", x, y, k=k, metric=metric, zero_rows=zero_rows)


def jaccard_knn(
    x: Array | DeviceNeighbors,
    y: Array | DeviceNeighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """:func:`mmkernels.jaccard_knn` on a device; all else as of :func:`mutual_knn`."""
    return pair_score("jaccard_knn", x, y, k=k, metric=metric, zero_rows=zero_rows)


def cycle_knn(
    x: Array | DeviceNeighbors,
    y: Array | DeviceNeighbors,
    *,
    k: int = 10,
    metric: str = "cosine",
    zero_rows: str = "raise",
) -> Array:
    """:func:`mmkernels.cycle_knn` on a device; all else as of :func:`mutual_knn`.

    NaN too where neighbours that were searched with queries are beyond the rows. Cost: two
    :func:`knn` and at most O(n k^2).
    """
    return pair_score("cycle_knn", x, y, k=k, metric=metric, zero_rows=zero_rows)


def mutual_knn_matrix(
    xs: Sequence[Array | DeviceNeighbors],
    ys: Sequence[Array | DeviceNeighbors] | None = None,
    *,
    k: int = 10,
    metric: str = "cosine",
) -> Array:
    """:func:`mmkernels.mutual_knn_matrix` on a device.

    Returns a (len(xs), len(ys)) float64 array there; NaN where a side's rows cannot be used. Cost:
    a search per representation, and one reading of all lists for every 32 of ``ys``, whatever the
    number of pairs; lists of L representations cost n k L^2 / 32 steps.
    """
    one_of("metric", metric, METRICS)
    named = {f"xs[{i}]": x for i, x in enumerate(xs)}
    lefts = len(named)
    named |= {f"ys[{i}]": y for i, y in enumerate(ys if ys is not None else [])}
    if not lefts or (ys is not None and len(named) == lefts):
        raise ValueError("xs and ys must each hold at least one representation.")
    sides = device_inputs(**named)
    same_samples(*sides)
    found, k = neighbor_lists(sides, k, metric)
    call = Call("mutual_knn_matrix", *sides)
    lists = [lists_of(call, each) for each in found]
    rights = lists[lefts:] if ys is not None else None
    scores = call.empty((lefts, len(lists) - lefts if ys is not None else lefts), "float64")
    plan = (lists[:lefts], rights, sides[0].shape[0], k)
    memory = call.workspace(call.module.overlap_matrix_workspace(*plan))
    call.module.overlap_matrix(*plan, call.device, call.pointer(scores), memory, call.stream)
    return scores
