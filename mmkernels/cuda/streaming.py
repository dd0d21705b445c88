"""Neighbours of more rows than a device holds: they stay in host memory and stream through it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import Array, Input, as_input
from .._checks import METRICS, at_least, integer, neighbor_count, one_of
from .._features import neighbor_features
from ..neighbors import Neighbors
from . import _module
from ._libraries import Library, any_library
from .neighbors import within_limit

_BLOCK = 128  # parts are whole blocks of the kernels
_SHARE = 0.8  # of the free memory, which other work may want, too


def knn_of_host_rows(
    x: Array,
    k: int,
    *,
    metric: str = "cosine",
    device: int = 0,
    part_rows: int | None = None,
) -> Neighbors:
    """Find the neighbours of rows in host memory on a CUDA device, two parts of them at a time.

    For arrays that do not fit on the device: a memory map, or an array in ordinary or (faster)
    pinned memory. The neighbours are those of :func:`mmkernels.knn`.

    Parameters
    ----------
    x : (n, d) array in host memory, of any real type.
    k, metric : as in :func:`mmkernels.knn`; k is at most 512.
    device : which CUDA device.
    part_rows : rows of a part, rounded up to a multiple of 128; as many as four fifths of the
        device's free memory allow if not given.

    Returns :class:`mmkernels.Neighbors` in host memory.

    Cost: that of :func:`mmkernels.cuda.knn`, and with p parts (3 p + 3) / 2 transfers of x; the
    rows are measured and checked on the CPU first, which reads x about three times. Device memory:
    8 (4 k + 160) bytes (2 KiB at least by the kernels for Hopper) and some 70 bytes per row of x;
    for each row of a part about twice its own size and 4 d, and as much again as its list. It comes
    from PyTorch or CuPy. Waits for the device; Ctrl-C is heard between parts.

    Raises what :func:`mmkernels.knn` raises, RuntimeError where CUDA cannot be used, and
    MemoryError where not even the smallest parts fit.
    """
    one_of("metric", metric, METRICS)
    rows = as_input("x", x)
    at_least(rows.shape[0], 2, "x", rows.shape, "A nearest neighbour")
    k = neighbor_count(k, rows.shape[0] - 1, "x", rows.shape)
    device = integer("device", device)
    module = _module.require_any()
    k = within_limit(k, module)
    library = any_library()
    features = neighbor_features(rows, metric)
    if features.exponent:
        raise ValueError(
            f"x holds values so small that their squares underflow (shape {rows.shape}); "
            "rescale it, or compute on the CPU."
        )
    parts = _Parts(module, library, rows, metric, k, device, part_rows)
    # Unit rows are at most 2 from any centre of theirs; the scale is that of the farthest row else.
    largest = 0.0 if features.constant else 2.0 if metric == "cosine" else 1 / features.scale
    parts.start(features.norms, np.array(features.centre), largest)
    return Neighbors(*parts.search(), metric, rows.name, rows.wrap)


class _Parts:
    """A search of rows that come in parts: its memory on the device, and the order they come in."""

    def __init__(
        self,
        module: Any,
        library: Library,
        rows: Input,
        metric: str,
        k: int,
        device: int,
        part_rows: int | None,
    ):
        self._library, self._rows, self._k, self._device = library, rows, k, device
        plan = (*rows.shape, rows.type, metric, k)

        def searched(size: int) -> Any:
            return module.StreamedSearch(*plan, size, device)

        self._size = (
            _whole_blocks(part_rows, rows)
            if part_rows is not None
            else _largest(
                lambda size: searched(size).bytes, rows, int(_SHARE * library.free_memory(device))
            )
        )
        self._search = searched(self._size)
        self._starts = range(0, rows.shape[0], self._size)

    def start(self, norms: np.ndarray, centre: np.ndarray, largest: float) -> None:
        size = self._search.bytes
        try:
            self._memory = self._library.empty((size,), "uint8", self._device)
        except Exception as error:
            if not self._library.is_out_of_memory(error):
                raise
            raise MemoryError(
                f"knn_of_host_rows needs {size} bytes on cuda:{self._device} for "
                f"{self._rows.name} of shape {self._rows.shape} in parts of {self._size} rows, "
                f"which {self._library.name} cannot allocate; pass a smaller part_rows."
            ) from error
        self._search.start(
            self._library.pointer(self._memory),
            norms,
            centre,
            largest,
            self._library.stream(self._device),
        )

    def search(self) -> tuple[np.ndarray, np.ndarray]:
        """(indices, scores) once every pair of parts has met."""
        for first in self._starts:
            self._load(0, first)
            self._search.meet(0, 0)
            for other in self._starts:
                if other > first:
                    self._load(1, other)
                    self._search.meet(0, 1)
        n = self._rows.shape[0]
        indices, scores = np.empty((n, self._k), np.int64), np.empty((n, self._k))
        for first in self._starts:
            self._load(0, first)
            for other in self._starts:
                if other != first:
                    self._load(1, other)
                self._search.score(0 if other == first else 1)
            part = slice(first, first + self._size)
            self._search.finish(indices[part], scores[part])
        return indices, scores

    def _load(self, place: int, first: int) -> None:
        rows = self._rows.values[first : first + self._size]
        self._search.load(place, first, np.ascontiguousarray(rows))


def _whole_blocks(part_rows: Any, rows: Input) -> int:
    part_rows = integer("part_rows", part_rows)
    if part_rows < 1:
        raise ValueError(f"part_rows must be at least 1; it is {part_rows}.")
    return min(-(-part_rows // _BLOCK), -(-rows.shape[0] // _BLOCK)) * _BLOCK


def _largest(bytes_of: Any, rows: Input, allowed: int) -> int:
    """As many rows a part as fit into the bytes allowed; all of them if they do."""
    fits, beyond = 0, -(-rows.shape[0] // _BLOCK) + 1
    while beyond - fits > 1:
        middle = (fits + beyond) // 2
        if bytes_of(middle * _BLOCK) <= allowed:
            fits = middle
        else:
            beyond = middle
    if not fits:
        raise MemoryError(
            f"{rows.name} (shape {rows.shape}) needs {bytes_of(_BLOCK)} bytes on the device in the "
            f"smallest parts; {allowed} are free for it."
        )
    return fits * _BLOCK
