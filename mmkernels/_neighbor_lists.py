"""What every metric on neighbours starts with: a list of neighbours per representation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._arrays import Array, Input, as_input, same_samples
from ._checks import METRICS, at_least, neighbor_count, one_of
from ._features import neighbor_features, require_usable
from ._native import _cpu
from ._warn import warn
from .neighbors import Neighbors


def paired_lists(
    x: Array | Neighbors,
    y: Array | Neighbors,
    *,
    k: int,
    metric: str,
    zero_rows: str,
    ordered: bool,
) -> tuple[list[np.ndarray], Callable[[Any], Array]]:
    """The (n, k) int64 neighbours in x and in y, and how to give a result to the caller.

    Best first where ``ordered``, which costs a float64 score per neighbour, else in any order.
    """
    one_of("metric", metric, METRICS)
    one_of("zero_rows", zero_rows, ("raise", "exclude"))
    sides = [representation("x", x), representation("y", y)]
    same_samples(*sides)
    if zero_rows == "exclude" and metric == "cosine":
        sides = without_zero_rows(sides)
    return [neighbor_list(side, k, metric, ordered) for side in sides], sides[0].wrap


def paired_arrays(x: Array, y: Array, needs: str) -> list[Input]:
    """x and y where a metric looks at the features again; ``needs`` ends the sentence if it cannot.

    Which rows are zero is not looked at.
    """
    for name, side in (("x", x), ("y", y)):
        if isinstance(side, Neighbors):
            raise TypeError(f"{name} is an already searched Neighbors; {needs}.")
    sides = [as_input("x", x), as_input("y", y)]
    same_samples(*sides)
    return sides


def representation(name: str, x: Array | Neighbors) -> Input | Neighbors:
    return x if isinstance(x, Neighbors) else as_input(name, x)


def neighbor_list(side: Input | Neighbors, k: int, metric: str, ordered: bool) -> np.ndarray:
    """(n, k) indices of the k nearest of each row, C-contiguous; in any order if not ordered."""
    n = side.shape[0]
    at_least(n, 2, side.name, side.shape, "A nearest neighbour")
    k = neighbor_count(k, n - 1, side.name, side.shape)
    if not isinstance(side, Neighbors):
        return _cpu.knn(neighbor_features(side, metric), None, metric, k, scored=ordered)[0]
    if k > side.k:
        raise ValueError(f"k is {k}, but the neighbours given were searched with k={side.k}.")
    return np.ascontiguousarray(side.host_indices[:, :k])


def require_among_themselves(what: str, lists: list[np.ndarray], **given: Any) -> None:
    """Raise unless neighbours that were given, not found here, are rows; ``what`` needs that."""
    for (name, side), found in zip(given.items(), lists, strict=True):
        n = len(found)
        if isinstance(side, Neighbors) and not (found.min() >= 0 and found.max() < n):
            raise ValueError(
                f"{name} has shape {side.shape} but neighbours beyond its {n} rows; {what} needs "
                "the neighbours of the samples among themselves, searched without queries."
            )


def without_zero_rows(sides: list[Any]) -> list[Any]:
    """Drop the samples that have a zero row on any side, and warn."""
    for side in sides:
        if isinstance(side, Neighbors):
            raise ValueError(
                f'zero_rows="exclude" needs arrays; {side.name} is an already searched Neighbors.'
            )
    features = [_cpu.Features(side.values, side.type, True, True) for side in sides]
    for side, measured in zip(sides, features, strict=True):
        require_usable(measured, side)
    zero = sorted({row for measured in features for row in measured.zero_rows})
    if not zero:
        return sides
    warn(
        f"{len(zero)} of {sides[0].shape[0]} samples have a zero row in x or y and are left out "
        f"(the first is row {zero[0]})."
    )
    return [
        Input(side.name, np.delete(side.values, zero, axis=0), side.type, side.wrap)
        for side in sides
    ]
