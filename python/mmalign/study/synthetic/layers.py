"""The layers of encoders, prepared for a metric: compared, permuted, and the best pairs found."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mmkernels

from .cell import MetricRequest


@dataclass(frozen=True)
class Layers:
    """Representations of the same samples, prepared for one metric.

    rows:     per layer (n, width) float32 rows of length 1; None where a row is zero, for which no
              metric on directions is defined.
    prepared: what the metric takes of each layer that is there: its neighbours, its kernel, itself.
    """

    request: MetricRequest
    rows: list[np.ndarray | None]
    prepared: list[Any]

    @property
    def samples(self) -> int:
        """How many samples the layers that are there have; 0 where none is."""
        return next((len(rows) for rows in self.rows if rows is not None), 0)

    @property
    def places(self) -> list[int]:
        """Which layers are there."""
        return [place for place, rows in enumerate(self.rows) if rows is not None]

    def scores(self, others: Layers) -> np.ndarray:
        """(layers, other layers) float64 scores; NaN where the metric is not defined."""
        found = np.full((len(self.rows), len(others.rows)), np.nan)
        if self.prepared and others.prepared:
            with warnings.catch_warnings():
                # A constant representation scores NaN, which is kept.
                warnings.simplefilter("ignore", RuntimeWarning)
                found[np.ix_(self.places, others.places)] = mmkernels.measure_matrix(
                    self.request.name, self.prepared, others.prepared, **self.request.options
                )
        return found

    def permuted(self, order: np.ndarray) -> Layers:
        """The layers of samples in another order: row i becomes that of sample ``order[i]``."""
        rows = [None if own is None else own[order] for own in self.rows]
        if not any(isinstance(own, mmkernels.Neighbors) for own in self.prepared):
            return prepare(self.request, rows)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        relabelled = [
            mmkernels.Neighbors(place[own.host_indices[order]], own.host_scores[order], own.metric)
            for own in self.prepared
        ]
        return Layers(self.request, rows, relabelled)


def prepare(request: MetricRequest, rows: Sequence[np.ndarray | None]) -> Layers:
    """Do once per layer what every comparison needs."""
    there = [own for own in rows if own is not None]
    options = dict(request.options)
    if request.name == "mutual_knn":
        prepared = [mmkernels.knn(own, options["k"]) for own in there]
    elif request.name == "unbiased_cka":
        prepared = [mmkernels.prepare_gram(own, **options) for own in there]
    else:
        prepared = there
    return Layers(request, list(rows), prepared)


def unit_rows(rows: np.ndarray) -> np.ndarray | None:
    """Rows of Euclidean length 1, as the original prepares them; None where one is zero."""
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return (rows / lengths).astype(np.float32) if lengths.all() else None


def blocks(depths: Sequence[int]) -> list[slice]:
    """Where the layers of each encoder stand when all follow one another."""
    ends = np.cumsum(depths)
    return [slice(int(end) - depth, int(end)) for depth, end in zip(depths, ends, strict=True)]


def best_scores(scores: np.ndarray, depths_1: Sequence[int], depths_2: Sequence[int]) -> np.ndarray:
    """(len(depths_1), len(depths_2)) highest scores over layer pairs; NaN where all are NaN."""
    filled = np.where(np.isnan(scores), -np.inf, scores)
    starts_1, starts_2 = ([own.start for own in blocks(depths)] for depths in (depths_1, depths_2))
    best = np.maximum.reduceat(np.maximum.reduceat(filled, starts_1, axis=0), starts_2, axis=1)
    return np.where(np.isneginf(best), np.nan, best)


def best_layers(scores: np.ndarray, depths_1: Sequence[int], depths_2: Sequence[int]) -> np.ndarray:
    """(len(depths_1), len(depths_2), 2) the layers, from 1, of the highest scores; 0 where none."""
    best = np.zeros((len(depths_1), len(depths_2), 2), np.int64)
    for i, rows in enumerate(blocks(depths_1)):
        for j, columns in enumerate(blocks(depths_2)):
            block = scores[rows, columns]
            if not np.isnan(block).all():
                best[i, j] = np.unravel_index(np.nanargmax(block), block.shape)
                best[i, j] += 1
    return best
