"""Galleries for every pair of models of two directories; what is finished stays finished."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

import mmkernels

from ..errors import UserError
from ..study.cell import Hashed
from ..study.store import CellStore
from .cells import identity
from .gallery import Gallery, growing_neighbors, shared_neighbors
from .models import Model, require_pairs
from .store import sound
from .treatment import Treatment

#: Called with the number of layers searched and the model in words.
OnModel = Callable[[int, str], None]


@dataclass(frozen=True)
class GalleryRequest:
    """What is asked of every pair of models.

    layers: the names of a layer of x and of one of y; None for those most alike in the smallest
            gallery, by the first of ``gallery.neighbors``.
    """

    gallery: Gallery
    similarity: str = "cosine"
    treatment: Treatment = field(default_factory=Treatment)
    layers: tuple[str, str] | None = None


@dataclass(frozen=True)
class GalleryCell(Hashed):
    """The neighbours of the queries in every gallery, in some layers of a model."""

    kind: ClassVar[str] = "gallery"

    model: Mapping[str, Any]
    layers: tuple[int, ...]
    gallery: Mapping[str, Any]
    similarity: str
    treatment: Mapping[str, Any]

    __hash__ = Hashed.__hash__


def measure_galleries(
    xs: Sequence[Model],
    ys: Sequence[Model],
    request: GalleryRequest,
    store: CellStore,
    on_model: OnModel = lambda layers, model: None,
) -> pd.DataFrame:
    """Share of neighbours in common, of fixed queries in growing galleries, for all model pairs.

    Returns a row for each x, y, size and number of neighbours: x, y, layer_x, layer_y, n (size of
    the gallery), neighbors, k, score (mean over queries i of |N_x(i) and N_y(i)| / k),
    standard_error of that mean, chance (k / (n - 1)).

    A layer is searched once however many pairs it is in, in one pass over its file, and its lists
    are kept in the store. Where the treatment clamps, the quantile is of the smallest gallery.
    Memory: that of :func:`growing_neighbors`, and the lists of a pair.
    """
    for model in (*xs, *ys):
        require_pairs(xs[0], model)
    places = {
        (x, y): found
        for (x, y), found in zip(
            [(x, y) for x in range(len(xs)) for y in range(len(ys))],
            _chosen_layers(xs, ys, request, store, on_model),
            strict=True,
        )
    }
    rows: list[dict[str, Any]] = []
    for (x, y), (layer_x, layer_y) in places.items():
        lists = [
            _lists(model, (place,), request, request.gallery, store, on_model)[place]
            for model, place in ((xs[x], layer_x), (ys[y], layer_y))
        ]
        names = {
            "x": xs[x].name,
            "y": ys[y].name,
            "layer_x": xs[x].layers[layer_x][0],
            "layer_y": ys[y].layers[layer_y][0],
        }
        rows += [{**names, **row} for row in _overlaps(*lists, request.gallery)]
    return pd.DataFrame(rows)


def _overlaps(
    x: Mapping[int, np.ndarray], y: Mapping[int, np.ndarray], gallery: Gallery
) -> list[dict[str, Any]]:
    rows = []
    for size in gallery.sizes:
        for neighbors in gallery.neighbors:
            k = gallery.k(neighbors, size)
            shared = shared_neighbors(x[size], y[size], k)
            error = float((shared / k).std(ddof=1)) if len(shared) > 1 else math.nan
            rows.append(
                {
                    "n": size,
                    "neighbors": neighbors,
                    "k": k,
                    "score": float(shared.sum() / (len(shared) * k)),
                    "standard_error": error / math.sqrt(len(shared)),
                    "chance": k / (size - 1),
                }
            )
    return rows


def _chosen_layers(
    xs: Sequence[Model],
    ys: Sequence[Model],
    request: GalleryRequest,
    store: CellStore,
    on_model: OnModel,
) -> list[tuple[int, int]]:
    """Places of the layers of every pair, x by x."""
    if request.layers is not None:
        own = [_place(model, request.layers[0]) for model in xs]
        other = [_place(model, request.layers[1]) for model in ys]
        return [(i, j) for i in own for j in other]
    gallery = request.gallery
    first = gallery.neighbors[0]
    smallest = replace(gallery, sizes=gallery.sizes[:1], neighbors=(first,))
    size = gallery.sizes[0]

    def lists(model: Model) -> list[mmkernels.Neighbors]:
        every = tuple(range(len(model.layers)))
        found = _lists(model, every, request, smallest, store, on_model)
        return [_neighbors(found[place][size], request.similarity) for place in every]

    others = [lists(model) for model in ys]
    chosen = []
    for model in xs:
        own = lists(model)
        for y, other in zip(ys, others, strict=True):
            scores = np.asarray(mmkernels.mutual_knn_matrix(own, other, k=gallery.k(first, size)))
            if scores.size > 1 and model.path.resolve() == y.path.resolve():
                # Of a model with itself, two different layers.
                scores = np.where(np.eye(*scores.shape, dtype=bool), -np.inf, scores)
            i, j = np.unravel_index(np.argmax(scores), np.shape(scores))
            chosen.append((int(i), int(j)))
    return chosen


def _place(model: Model, layer: str) -> int:
    names = [name for name, _ in model.layers]
    if layer not in names:
        raise UserError(
            f"{model.path} has no layer {layer!r}; it has {names[0]} to {names[-1]} "
            f"({len(names)} layers)."
        )
    return names.index(layer)


def _neighbors(places: np.ndarray, similarity: str) -> mmkernels.Neighbors:
    # The overlap looks at no score.
    nothing = np.broadcast_to(np.float64(np.nan), places.shape)
    return mmkernels.Neighbors(places.astype(np.int64), nothing, similarity)


def _lists(
    model: Model,
    layers: tuple[int, ...],
    request: GalleryRequest,
    gallery: Gallery,
    store: CellStore,
    on_model: OnModel,
) -> dict[int, dict[int, np.ndarray]]:
    """Layer -> size -> (queries, k) int32 places; searched unless the store has them."""
    cell = GalleryCell(
        identity(model),
        layers,
        asdict(gallery),
        request.similarity,
        request.treatment.describe(),
    )
    if not sound(store, cell.hash):
        store.write(cell.hash, cell.describe(), _search(model, layers, request, gallery))
        on_model(len(layers), f"{model.name}: neighbours among {gallery.sizes[-1]}")
    found: dict[int, dict[int, np.ndarray]] = {layer: {} for layer in layers}
    for name, places in store.read_arrays(cell.hash).items():
        layer, size = map(int, name.split("/"))
        found[layer][size] = places
    return found


def _search(
    model: Model, layers: tuple[int, ...], request: GalleryRequest, gallery: Gallery
) -> dict[str, np.ndarray]:
    arrays = model.arrays()
    treatment = request.treatment
    order = gallery.rows()
    smallest = slice(gallery.sizes[0]) if order is None else np.sort(order[: gallery.sizes[0]])
    try:
        thresholds = treatment.thresholds([array[smallest] for array in arrays])
    except UserError as error:
        raise UserError(f"{model.path}: {error}") from None
    found = {}
    for layer in layers:
        threshold = thresholds[layer]

        def treat(rows: Any, threshold: float | None = threshold) -> Any:
            return treatment.treat(rows, threshold)

        try:
            for size, places in growing_neighbors(
                arrays[layer], gallery, request.similarity, treat
            ):
                found[f"{layer}/{size}"] = places
        except ValueError as error:
            raise UserError(f"{model.path}: {model.layers[layer][0]}: {error}") from None
    return found
