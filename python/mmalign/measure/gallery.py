"""Neighbours of fixed queries among ever more candidates, in one pass over the candidates.

A gallery is an order of the samples in which the queries come first; its sizes are nested. Lists of
a smaller gallery are read off on the way to a larger one: a block of candidates is searched, and
what beats a query's list is merged into it. The answer is exact, and so is the order of equal
similarities: by place in the gallery.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

import mmkernels

from ..errors import UserError

_BLOCK_BYTES = 1 << 28
_FOUND_BYTES = 1 << 28


@dataclass(frozen=True)
class Gallery:
    """Which samples are queries, which are candidates, and how many neighbours are looked for.

    samples:   how many there are to take from.
    queries:   how many of them look for neighbours; they are the first of every gallery.
    sizes:     of the galleries, rising; a gallery holds its queries, and none finds itself.
    neighbors: how many, as whole numbers, or shares of the gallery as "1%".
    seed:      None for the samples in their order, else drawn at random.
    """

    samples: int
    queries: int
    sizes: tuple[int, ...]
    neighbors: tuple[str, ...] = ("10", "1", "1%")
    seed: int | None = None

    def __post_init__(self) -> None:
        if not self.sizes or list(self.sizes) != sorted(set(self.sizes)):
            raise UserError(f"The sizes of galleries must rise; they are {self.sizes}.")
        if not 1 <= self.queries <= self.sizes[0]:
            raise UserError(
                f"There are {self.queries} queries, which the smallest gallery must hold: 1 to "
                f"{self.sizes[0]} are allowed."
            )
        if self.sizes[-1] > self.samples:
            raise UserError(
                f"A gallery of {self.sizes[-1]} is asked for, of {self.samples} samples."
            )
        for size in self.sizes:
            for neighbors in self.neighbors:
                if not 1 <= self.k(neighbors, size) < size:
                    raise UserError(
                        f"{neighbors!r} is {self.k(neighbors, size)} neighbours in a gallery of "
                        f"{size}; 1 to {size - 1} are allowed."
                    )

    def k(self, neighbors: str, size: int) -> int:
        """How many neighbours that is in a gallery of this size."""
        try:
            if neighbors.endswith("%"):
                return int(size * int(neighbors[:-1]) // 100)
            return int(neighbors)
        except ValueError:
            raise UserError(
                f'{neighbors!r} is not a number of neighbours such as "10" or "1%".'
            ) from None

    def most(self, size: int) -> int:
        """The most neighbours that are looked for in a gallery of this size."""
        return max(self.k(neighbors, size) for neighbors in self.neighbors)

    def rows(self) -> np.ndarray | None:
        """(samples,) int64, which sample is where in the gallery; None for each in its place."""
        if self.seed is None:
            return None
        return np.random.default_rng(self.seed).permutation(self.samples)


def growing_neighbors(
    layer: Any,
    gallery: Gallery,
    similarity: str = "cosine",
    treat: Callable[[Any], Any] = lambda rows: rows,
) -> Iterator[tuple[int, np.ndarray]]:
    """The neighbours of every query in every gallery, smallest first.

    layer: (samples, d) array, best mapped into memory: blocks are read in the order of the gallery.
    treat: what is done to rows before they are compared.

    Yields (size, (queries, gallery.most(size)) int32 places in the gallery), best first; equal to
    :func:`mmkernels.knn` of the gallery without the query itself. Cost: one pass of
    queries x candidates x d multiply-adds, and a merge of sorted lists a block. Memory: 512 MiB and
    24 bytes per query and neighbour of the largest list.
    """
    order = gallery.rows()

    def block(start: int, stop: int) -> Any:
        if order is None:
            return treat(layer[start:stop])
        # Files are read forwards, whatever the order of the gallery.
        wanted = order[start:stop]
        forwards = np.argsort(wanted)
        rows = layer[wanted[forwards]]
        return treat(rows[np.argsort(forwards)])

    lists = _Lists(
        block(0, gallery.queries), max(gallery.most(size) for size in gallery.sizes), similarity
    )
    step = max(1, _BLOCK_BYTES // (4 * layer.shape[1]))
    start = 0
    for size in gallery.sizes:
        while start < size:
            stop = min(start + step, size)
            lists.add(block(start, stop), start)
            start = stop
        yield size, lists.places[:, : gallery.most(size)].copy()


def shared_neighbors(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """(queries,) int64: how many of a query's k nearest places are the same in x and in y.

    x, y: (queries, at least k) places in the gallery, best first.
    """
    marks = np.zeros(max(x[:, :k].max(), y[:, :k].max()) + 1, bool)
    shared = np.empty(len(x), np.int64)
    for query, (own, other) in enumerate(zip(x[:, :k], y[:, :k], strict=True)):
        marks[own] = True
        shared[query] = np.count_nonzero(marks[other])
        marks[own] = False
    return shared


class _Lists:
    """The best candidates so far of every query: (queries, k) scores and places, best first."""

    def __init__(self, queries: Any, k: int, similarity: str) -> None:
        self.queries, self.similarity = queries, similarity
        self.scores = np.full((len(queries), k), -np.inf)
        self.places = np.full((len(queries), k), -1, np.int32)

    def add(self, candidates: Any, start: int) -> None:
        """Look at the candidates from place ``start`` on."""
        k = self.scores.shape[1]
        # A query among them finds itself, which does not count.
        most = min(len(candidates), k + (start < len(self.queries)))
        wanted = most
        if start > k:
            # Of candidates in no particular order, so many of these are among the best of all.
            expected = k * len(candidates) / (start + len(candidates))
            wanted = min(most, math.ceil(expected + 4 * math.sqrt(expected)) + 8)
        pending = np.arange(len(self.queries))
        while len(pending):
            at_once = max(1, _FOUND_BYTES // (16 * wanted))
            left = [
                self._search(candidates, start, pending[first : first + at_once], wanted, most)
                for first in range(0, len(pending), at_once)
            ]
            pending = np.concatenate(left)
            wanted = min(most, 4 * wanted)

    def _search(
        self, candidates: Any, start: int, queries: np.ndarray, wanted: int, most: int
    ) -> np.ndarray:
        """Merge the best candidates of some queries; return the queries that may have more."""
        found = mmkernels.knn(
            candidates, wanted, metric=self.similarity, queries=self.queries[queries]
        )
        scores = np.asarray(found.host_scores)
        places = np.asarray(found.host_indices) + start
        last = scores[:, -1:]
        scores = np.where(places == queries[:, None], -np.inf, scores)
        # Candidates that were not found are no better than the last that was.
        as_good = np.count_nonzero(self.scores[queries] >= last, axis=1)
        as_good += np.count_nonzero(scores >= last, axis=1)
        whole = (as_good >= self.scores.shape[1]) | (wanted == most)
        merged = np.flatnonzero(whole)
        parts = np.array_split(merged, max(1, min(len(merged), self._parts(wanted))))
        with ThreadPoolExecutor(mmkernels.get_num_threads()) as pool:
            list(
                pool.map(lambda rows: self._merge(queries[rows], scores[rows], places[rows]), parts)
            )
        return queries[~whole]

    def _parts(self, wanted: int) -> int:
        columns = self.scores.shape[1] + wanted
        return max(mmkernels.get_num_threads(), len(self.scores) * columns * 32 // _FOUND_BYTES)

    def _merge(self, queries: np.ndarray, scores: np.ndarray, places: np.ndarray) -> None:
        scores = np.concatenate([self.scores[queries], scores], axis=1)
        places = np.concatenate([self.places[queries], places], axis=1)
        # Two runs that are sorted take a stable sort one step a number, and earlier places, which
        # come first, stay before equal ones.
        order = np.argsort(-scores, axis=1, kind="stable")[:, : self.scores.shape[1]]
        self.scores[queries] = np.take_along_axis(scores, order, axis=1)
        self.places[queries] = np.take_along_axis(places, order, axis=1)
