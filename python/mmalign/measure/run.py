"""Measuring every pair of models of two directories; what is finished stays finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import mmkernels

from ..study.store import CellStore
from .cells import PairCell, lists_cell, pair_cell
from .layers import PreparedLayers, compare
from .metrics import ON_LISTS, Metric
from .models import Model, require_pairs
from .null import sample_orders, usual_permutations
from .pairs import labels_of, null_of_pairs, prepare_model
from .store import sound
from .treatment import Treatment

#: Called with each finished pair's number of layer pairs and the pair in words.
OnPair = Callable[[int, str], None]

# Prepared layers of one side that are kept while the models of the other are gone through.
_GROUP_BYTES = 1 << 30


@dataclass(frozen=True)
class Request:
    """What is asked of every pair of models.

    permutations: of the samples, for the chance level of the best pair of layers; None for
    :func:`usual_permutations` of each metric.
    """

    metrics: tuple[Metric, ...]
    treatment: Treatment = field(default_factory=Treatment)
    permutations: int | None = None
    seed: int = 0

    def permutations_of(self, metric: Metric) -> int:
        return usual_permutations(metric) if self.permutations is None else self.permutations

    def cell(self, metric: Metric, x: Model, y: Model) -> PairCell:
        permutations = self.permutations_of(metric)
        return pair_cell(x, y, metric, self.treatment, permutations, self.seed)


def measure_models(
    xs: Sequence[Model],
    ys: Sequence[Model],
    request: Request,
    store: CellStore,
    on_pair: OnPair = lambda layer_pairs, pair: None,
) -> None:
    """Compute every pair of a model of xs and one of ys that is not in the store.

    Each layer is prepared once per metric; lists of neighbours are kept in the store as well, so
    that a run that was stopped searches none again. A pair's result depends on its two files and
    the request alone. Memory: prepared layers of some models of xs (1 GiB, or one model), of one
    of ys, and one layer's features. Raises UserError, naming file and layer, where a metric is
    defined on no layer of a model.
    """
    for model in (*xs, *ys):
        require_pairs(xs[0], model)
    for metric in request.metrics:
        missing = {
            (x, y)
            for x in range(len(xs))
            for y in range(len(ys))
            if not sound(store, request.cell(metric, xs[x], ys[y]).hash)
        }
        orders = sample_orders(xs[0].n, request.permutations_of(metric), request.seed)
        side = _Side(metric, request.treatment, store)
        needed = sorted({x for x, _ in missing})
        for group in side.groups([xs[x] for x in needed], needed):
            prepared = {x: side.prepared(xs[x]) for x in group}
            for y in range(len(ys)):
                own = [x for x in group if (x, y) in missing]
                if not own:
                    continue
                other = side.prepared(ys[y])
                nulls = null_of_pairs(
                    metric, [prepared[x] for x in own], ys[y], other, request.treatment, orders
                )
                for x, null in zip(own, nulls, strict=True):
                    found = compare(metric, prepared[x], other)
                    cell = request.cell(metric, xs[x], ys[y])
                    arrays = {"scores": found.matrix, "null": null}
                    store.write(cell.hash, {**cell.describe(), "notes": found.notes}, arrays)
                    on_pair(found.matrix.size, f"{xs[x].name} and {ys[y].name}: {metric.name}")


@dataclass(frozen=True)
class _Side:
    """Preparing models for one metric."""

    metric: Metric
    treatment: Treatment
    store: CellStore

    def groups(self, models: list[Model], places: list[int]) -> Iterator[list[int]]:
        """As many at a time as are kept in memory together."""
        group: list[int] = []
        held = 0
        for place, model in zip(places, models, strict=True):
            size = self._bytes(model)
            if group and held + size > _GROUP_BYTES:
                yield group
                group, held = [], 0
            group.append(place)
            held += size
        if group:
            yield group

    def _bytes(self, model: Model) -> int:
        if self.metric.name in ON_LISTS:
            # Their codes in the null of the best pair take as much again.
            return 2 * 8 * model.n * self.metric.options["k"] * len(model.layers)
        return 8 * sum(n * width for _, (n, width) in model.layers)

    def prepared(self, model: Model) -> PreparedLayers:
        """Its layers for the metric; neighbours are searched unless the store has them."""
        if self.metric.name not in ON_LISTS:
            return prepare_model(self.metric, model, self.treatment)
        cell = lists_cell(model, self.metric, self.treatment)
        if not sound(self.store, cell.hash):
            found = prepare_model(self.metric, model, self.treatment)
            arrays = {
                str(place): found.layers[place].host_indices.astype(np.int32)
                for place in found.places
            }
            faults = {str(place): why for place, why in found.faults.items()}
            self.store.write(cell.hash, {**cell.describe(), "faults": faults}, arrays)
        meta, arrays = self.store.read(cell.hash)
        labels = labels_of(model)
        layers: list[Any] = [None] * len(labels)
        for place, lists in arrays.items():
            layers[int(place)] = _lists(lists, cell.similarity, labels[int(place)])
        faults = {int(place): why for place, why in meta["faults"].items()}
        return PreparedLayers(labels, layers, faults)


def _lists(indices: np.ndarray, similarity: str, label: str) -> mmkernels.Neighbors:
    # Metrics on lists look at no score.
    nothing = np.broadcast_to(np.float64(np.nan), indices.shape)
    return mmkernels.Neighbors(indices.astype(np.int64), nothing, similarity, label)
