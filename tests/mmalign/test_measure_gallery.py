"""Galleries in one pass are what a search of each gallery finds, to the last tie."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mmkernels
from mmalign.errors import UserError
from mmalign.measure import gallery as module
from mmalign.measure.gallery import Gallery, growing_neighbors, shared_neighbors
from mmalign.measure.gallery_run import GalleryRequest, measure_galleries
from mmalign.measure.models import find_models
from mmalign.measure.store import open_directory
from mmalign.measure.treatment import Treatment

from .many_models import write_model

SIZES = (100, 250, 700)


def rows(n: int = 700, width: int = 6, dtype: str = "f4") -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(n, width)).astype(dtype)
    x[300:360] = x[:60]  # equal to queries, which come first
    x[500:560] = x[300]
    return x


def brute_force(x: np.ndarray, gallery: Gallery, size: int, similarity: str) -> np.ndarray:
    """Every similarity in float64, sorted; equal ones in the order of the gallery."""
    order = gallery.rows()
    members = np.asarray(x, np.float64)[slice(size) if order is None else order[:size]]
    if similarity == "cosine":
        members = members / np.linalg.norm(members, axis=1, keepdims=True)
    queries = members[: gallery.queries]
    if similarity == "l2":
        scores = -((queries[:, None] - members[None]) ** 2).sum(-1)
    else:
        scores = (queries[:, None] * members[None]).sum(-1)
    scores = np.round(scores, 12)  # equal rows have equal similarities
    scores[np.arange(gallery.queries), np.arange(gallery.queries)] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, : gallery.most(size)]


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("block_rows", [7, 90, 1 << 20])
@pytest.mark.parametrize("similarity", ["cosine", "ip", "l2"])
def test_brute_force(monkeypatch, seed, block_rows, similarity):
    monkeypatch.setattr(module, "_BLOCK_BYTES", block_rows * 4 * 6)
    monkeypatch.setattr(module, "_FOUND_BYTES", 16 * 40 * 11)
    x = rows()
    gallery = Gallery(700, 80, SIZES, ("10", "1", "20%"), seed)
    found = dict(growing_neighbors(x, gallery, similarity))
    assert tuple(found) == SIZES
    for size, places in found.items():
        assert places.dtype == np.int32
        np.testing.assert_array_equal(places, brute_force(x, gallery, size, similarity))


def test_rows_sorted_by_likeness_are_all_found(monkeypatch):
    """The worst order: every candidate beats all before it."""
    monkeypatch.setattr(module, "_BLOCK_BYTES", 64 * 4 * 2)
    angles = np.concatenate([np.zeros(20), np.linspace(np.pi, 0.01, 680)])
    x = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    gallery = Gallery(700, 20, (100, 700), ("5", "10%"))
    for size, places in growing_neighbors(x, gallery):
        np.testing.assert_array_equal(places, brute_force(x, gallery, size, "cosine"))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_features_are_searched_exactly(tmp_path, dtype):
    write_model(tmp_path / "x.safetensors", [rows()], dtype)
    [model] = find_models(tmp_path / "x.safetensors")
    [layer] = model.arrays()
    gallery = Gallery(700, 80, SIZES, ("10",), 1)
    exact = torch.tensor(rows()).to(dtype).double().numpy()
    for size, places in growing_neighbors(layer, gallery):
        np.testing.assert_array_equal(places, brute_force(exact, gallery, size, "cosine"))


def test_shared_neighbors_are_counted():
    x = np.array([[3, 1, 2], [0, 5, 4]])
    y = np.array([[1, 9, 3], [5, 0, 4]])
    assert shared_neighbors(x, y, 3).tolist() == [2, 3]
    assert shared_neighbors(x, y, 1).tolist() == [0, 0]


@pytest.fixture
def models(tmp_path):
    generator = np.random.default_rng(1)
    shared = generator.normal(size=(700, 5))
    for side, noise in (("x", 0.2), ("y", 0.3)):
        layers = [
            generator.normal(size=(700, 7)),
            shared @ generator.normal(size=(5, 7)) + noise * generator.normal(size=(700, 7)),
        ]
        write_model(tmp_path / side / f"{side}.safetensors", layers)
    return [find_models(tmp_path / side) for side in "xy"]


def test_scores_of_galleries(tmp_path, models):
    gallery = Gallery(700, 100, SIZES)
    table = measure_galleries(*models, GalleryRequest(gallery), open_directory(tmp_path / "out"))
    assert list(table["n"]) == [100] * 3 + [250] * 3 + [700] * 3
    assert list(table["k"]) == [10, 1, 1, 10, 1, 2, 10, 1, 7]
    assert set(table["layer_x"]) == set(table["layer_y"]) == {"layer_001"}
    np.testing.assert_allclose(table["chance"], table["k"] / (table["n"] - 1))
    x, y = (side[0].arrays()[1] for side in models)
    for row in table.itertuples():
        own, other = (mmkernels.knn(z[: row.n], row.k).indices[:100] for z in (x, y))
        shares = [len(set(a) & set(b)) / row.k for a, b in zip(own, other, strict=True)]
        assert row.score == pytest.approx(np.mean(shares))
        assert row.standard_error == pytest.approx(np.std(shares, ddof=1) / 10)
    # Queries and gallery are the same here: it is the score of mutual_knn.
    assert table["score"][0] == float(mmkernels.mutual_knn(x[:100], y[:100], k=10))


def test_galleries_are_kept(monkeypatch, tmp_path, models):
    store = open_directory(tmp_path / "out")
    request = GalleryRequest(Gallery(700, 100, SIZES, seed=2))
    searched: list[str] = []
    first = measure_galleries(*models, request, store, lambda n, what: searched.append(what))
    assert searched == [
        "y: neighbours among 100",
        "x: neighbours among 100",
        "x: neighbours among 700",
        "y: neighbours among 700",
    ]
    monkeypatch.setattr("mmalign.measure.gallery_run.growing_neighbors", None)
    assert measure_galleries(*models, request, store).equals(first)


def test_layers_by_name(tmp_path, models):
    store = open_directory(tmp_path / "out")
    gallery = Gallery(700, 100, (100,))
    request = GalleryRequest(gallery, layers=("layer_000", "layer_001"))
    table = measure_galleries(*models, request, store)
    assert set(table["layer_x"]) == {"layer_000"}
    assert abs(table["score"][0] - table["chance"][0]) < 0.1
    with pytest.raises(UserError, match=r"y.safetensors has no layer 'last'; it has layer_000 to"):
        measure_galleries(*models, GalleryRequest(gallery, layers=("layer_000", "last")), store)


def test_the_clamp_is_taken_of_the_smallest_gallery(tmp_path, models):
    seen = []

    class Seen(Treatment):
        def thresholds(self, layers):
            seen.append([layer.shape for layer in layers])
            return super().thresholds(layers)

    for seed in (None, 3):
        request = GalleryRequest(Gallery(700, 100, SIZES, seed=seed), treatment=Seen(0.9))
        measure_galleries(*models, request, open_directory(tmp_path / f"out {seed}"))
    assert seen == [[(100, 7), (100, 7)]] * 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((700, 10, ()), "The sizes of galleries must rise"),
        ((700, 10, (100, 100)), "The sizes of galleries must rise"),
        ((700, 10, (200, 100)), "The sizes of galleries must rise"),
        ((700, 101, (100, 200)), "There are 101 queries, which the smallest gallery must hold"),
        ((700, 0, (100,)), "There are 0 queries"),
        ((700, 10, (100, 701)), "A gallery of 701 is asked for, of 700 samples"),
        ((700, 10, (99,)), "'1%' is 0 neighbours in a gallery of 99; 1 to 98 are allowed"),
        ((700, 10, (100,), ("100",)), "'100' is 100 neighbours in a gallery of 100"),
        ((700, 10, (100,), ("ten",)), "'ten' is not a number of neighbours such as"),
        ((700, 10, (100,), ("x%",)), "'x%' is not a number of neighbours"),
    ],
)
def test_galleries_that_cannot_be(arguments, message):
    with pytest.raises(UserError, match=message):
        Gallery(*arguments)


def test_a_zero_row_is_named(tmp_path, models):
    x = rows()
    x[650] = 0
    write_model(tmp_path / "z" / "z.safetensors", [x])
    zs = find_models(tmp_path / "z")
    with pytest.raises(UserError, match=r"z.safetensors: layer_000: .* has a zero row"):
        measure_galleries(
            zs, models[1], GalleryRequest(Gallery(700, 100, SIZES)), open_directory(tmp_path / "o")
        )
