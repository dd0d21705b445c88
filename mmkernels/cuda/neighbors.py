"""Exact nearest neighbours of rows in CUDA memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .._arrays import Array
from .._checks import METRICS, at_least, neighbor_count, one_of
from ._arrays import DeviceInput, as_device_input
from ._call import Call
from ._libraries import Library


@dataclass(frozen=True, eq=False)
class DeviceNeighbors:
    """What :class:`mmkernels.Neighbors` is, on a device: accepted wherever that is."""

    indices: Array  # (n, k) int64, best first; -1 where the rows cannot be used
    scores: Array  # (n, k) float64, descending; NaN where the rows cannot be used
    metric: str
    shape: tuple[int, int]
    device: int = field(repr=False)
    library: Library = field(repr=False)
    name: str = field(default="x", repr=False)

    in_device_memory: ClassVar[bool] = True

    @property
    def k(self) -> int:
        return self.shape[1]

    def __iter__(self) -> Iterator[Array]:
        return iter((self.indices, self.scores))


def knn(
    x: Array, k: int, *, metric: str = "cosine", queries: Array | None = None
) -> DeviceNeighbors:
    """:func:`mmkernels.knn` of rows in CUDA memory, on the current stream of their library.

    Rows that do not fit there: :func:`knn_of_host_rows`.

    The same neighbours in the same order: candidates are chosen in float16 under a proven bound and
    ordered by their similarity in float64 of the values as given. Bits are the same from run to
    run; float64 sums in another order than the CPU's can order what is equal up to its rounding
    differently.

    k is at most 512. What :func:`mmkernels.knn` raises for values (NaN, infinity, a zero row where
    a cosine is asked for, overflow) is not looked at here: all indices then are -1 and all scores
    NaN; :func:`mmkernels.cuda.check` says why.

    Cost: n^2 d / 2 multiply-adds (n m d with queries) by the tensor cores, and k d and a few more
    in float64 per row. Rows with more near-equal candidates than their list holds, 3 k and 128, are
    searched again, in n d multiply-adds of float64 each. Memory: 2 n d bytes, 8 (4 k + 160) bytes
    (2 KiB at least by the kernels for Hopper) and some 70 bytes per row, and 64 MiB.
    """
    one_of("metric", metric, METRICS)
    candidates = as_device_input("x", x)
    if queries is None:
        at_least(candidates.shape[0], 2, "x", candidates.shape, "A nearest neighbour")
        return search(candidates, _count(k, candidates, candidates.shape[0] - 1), metric)
    rows = as_device_input("queries", queries)
    if rows.shape[1] != candidates.shape[1]:
        raise ValueError(
            "x and queries must have the same number of features; their shapes are "
            f"{candidates.shape} and {rows.shape}."
        )
    return search(candidates, _count(k, candidates, candidates.shape[0]), metric, rows)


def search(
    candidates: DeviceInput, k: int, metric: str, queries: DeviceInput | None = None
) -> DeviceNeighbors:
    """The neighbours of checked arrays, k in range."""
    rows = candidates if queries is None else queries
    call = Call("knn", *([candidates] if queries is None else [candidates, queries]))
    of_queries = None if queries is None else queries.array
    # Of the environment, which may be another one by the time that there is memory.
    path = call.module.chosen_path(call.device)
    plan = (candidates.array, of_queries, metric, k, path)
    shape = (rows.shape[0], k)
    indices, scores = call.empty(shape, "int64"), call.empty(shape, "float64")
    memory = call.workspace(call.module.knn_workspace(*plan))
    call.module.knn(*plan, call.pointer(indices), call.pointer(scores), memory, call.stream)
    return DeviceNeighbors(indices, scores, metric, shape, call.device, call.library, rows.name)


def _count(k: Any, candidates: DeviceInput, most: int) -> int:
    k = neighbor_count(k, most, candidates.name, candidates.shape)
    return within_limit(k, Call("knn", candidates).module)


def within_limit(k: int, module: Any) -> int:
    if k > module.most_neighbors:
        raise ValueError(f"k must be at most {module.most_neighbors} on a device; it is {k}.")
    return k
