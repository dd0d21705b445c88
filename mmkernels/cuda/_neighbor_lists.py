"""What every metric on neighbours starts with on a device: a list of neighbours per side."""

from __future__ import annotations

from typing import Any

from .._arrays import Array, same_samples
from .._checks import METRICS, at_least, neighbor_count, one_of
from ._arrays import DeviceInput, device_inputs
from ._call import Call
from .neighbors import DeviceNeighbors, search, within_limit

Lists = tuple[int, int]  # the address of the first index, and indices from a row to the next


def pair_score(
    what: str,
    x: Array | DeviceNeighbors,
    y: Array | DeviceNeighbors,
    *,
    k: int,
    metric: str,
    zero_rows: str,
    more: tuple[int, ...] = (),
    shape: tuple[int, ...] = (),
) -> Array:
    """The score of that name, or scores, of the neighbours of x and of those of y.

    more: what the function takes besides the lists.
    """
    one_of("metric", metric, METRICS)
    one_of("zero_rows", zero_rows, ("raise", "exclude"))
    sides = device_inputs(x=x, y=y)
    same_samples(*sides)
    if zero_rows == "exclude" and metric == "cosine":
        raise ValueError(
            'zero_rows="exclude" would wait for the device; leave the zero rows out on both sides '
            "before the call."
        )
    found, k = neighbor_lists(sides, k, metric)
    call = Call(what, *sides)
    lists = [lists_of(call, each) for each in found]
    score = call.empty(shape, "float64")
    plan = (*lists, sides[0].shape[0], k, *more)
    memory = call.workspace(getattr(call.module, f"{what}_workspace")(*plan))
    getattr(call.module, what)(*plan, call.device, call.pointer(score), memory, call.stream)
    return score


def neighbor_lists(sides: list[Any], k: int, metric: str) -> tuple[list[DeviceNeighbors], int]:
    """Neighbours of each side, searched once for an array that is given twice; and k, checked."""
    for side in sides:
        k = _checked_count(k, side)
    searched: dict[int, DeviceNeighbors] = {}
    found = []
    for side in sides:
        if isinstance(side, DeviceNeighbors):
            found.append(side)
            continue
        key = id(side.given)
        if key not in searched:
            searched[key] = search(side, k, metric)
        found.append(searched[key])
    return found, k


def lists_of(call: Call, neighbors: DeviceNeighbors) -> Lists:
    return call.pointer(neighbors.indices), neighbors.k


def _checked_count(k: Any, side: DeviceInput | DeviceNeighbors) -> int:
    n = side.shape[0]
    at_least(n, 2, side.name, side.shape, "A nearest neighbour")
    k = neighbor_count(k, n - 1, side.name, side.shape)
    if isinstance(side, DeviceNeighbors) and k > side.k:
        raise ValueError(f"k is {k}, but the neighbours given were searched with k={side.k}.")
    return within_limit(k, Call("knn", side).module)
