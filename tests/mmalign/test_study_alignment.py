"""Alignment: every layer pair, the best of them, and scores that do not exist."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmalign.errors import UserError
from mmalign.study import Alignment, CellStore, EncoderCell, Study
from mmalign.study.alignment import best_pair, measure_alignments

METRICS = [
    Alignment("mutual_knn", "left", "right", {"k": 7}),
    Alignment("cka", "left", "right"),
    Alignment("cka", "left", "right", {"kernel": "rbf", "sigma": "median"}),
    Alignment("cka", "left", "right", {"kernel": "rbf", "sigma": 2.5, "unbiased": False}),
]


def encoder(view: str, depth: int, seed: int = 0) -> EncoderCell:
    return EncoderCell("f" * 64, "none", view, "mlp", depth, seed, 1, 0.1)


def study_of(*alignments: Alignment) -> Study:
    cells = (encoder("left", 1), encoder("left", 3), encoder("right", 2), encoder("right", 2, 1))
    return Study("by hand", "test", "f" * 64, "none", cells, alignments)


@pytest.fixture
def store(tmp_path) -> CellStore:
    """Encoders whose layers are noisy views of one latent."""
    store = CellStore(tmp_path)
    store.prepare()
    random = np.random.default_rng(0)
    latent = random.normal(size=(64, 5))
    for number, cell in enumerate(study_of().encoder_cells):
        layers = {
            f"layer_{layer}": (
                latent @ random.normal(size=(5, 6 + number)) + layer * random.normal(size=(64, 1))
            ).astype(np.float32)
            for layer in range(1, cell.depth + 1)
        }
        store.write(cell.hash, {"cell": cell.describe()}, {**layers, "samples": np.arange(64)})
    return store


def measure(study: Study, store: CellStore) -> list[float | None]:
    took = []
    measure_alignments(study, store, lambda cell, seconds: took.append(seconds))
    return took


@pytest.mark.parametrize("alignment", METRICS, ids=lambda a: f"{a.metric}-{a.options}")
def test_scores_are_those_of_single_calls(store, alignment):
    study = study_of(alignment)
    assert len(measure(study, store)) == 4
    call = getattr(mmkernels, alignment.metric)
    for cell in study.alignment_cells(alignment):
        a, b = (store.read_arrays(side) for side in (cell.encoder_a, cell.encoder_b))
        scores = store.read_arrays(cell.hash)["scores"]
        expected = [
            [
                float(call(a[f"layer_{i}"], b[f"layer_{j}"], **alignment.options))
                for j in range(1, len(b))
            ]
            for i in range(1, len(a))
        ]
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-7)
        meta = store.read_meta(cell.hash)
        assert meta["score"] == scores.max()
        assert scores[meta["layer_a"] - 1, meta["layer_b"] - 1] == scores.max()
        assert meta["n"] == 64
        assert meta["undefined_pairs"] == 0


def test_chance_levels(store):
    study = study_of(*METRICS)
    measure(study, store)
    chance = [
        store.read_meta(study.alignment_cells(alignment)[0].hash)["chance"]
        for alignment in study.alignments
    ]
    assert chance == [7 / 63, 0.0, 0.0, None]


def test_finished_cells_are_not_touched(store):
    study = study_of(*METRICS[:2])
    measure(study, store)
    cells = [cell for a in study.alignments for cell in study.alignment_cells(a)]
    before = [store.path(cell.hash).read_bytes() for cell in cells]
    inodes = [store.path(cell.hash).stat().st_ino for cell in cells]
    assert measure(study, store) == []
    # Some are lost: they come back with the same bits though their neighbours are not recomputed.
    for cell in cells[1::2]:
        store.path(cell.hash).unlink()
    assert len(measure(study, store)) == len(cells[1::2])
    assert [store.path(cell.hash).read_bytes() for cell in cells] == before
    assert [store.path(cell.hash).stat().st_ino for cell in cells][::2] == inodes[::2]


def test_a_collapsed_layer_is_undefined_not_best(store):
    study = study_of(*METRICS[:3])
    deep = study.encoder_cells[1]
    arrays = store.read_arrays(deep.hash)
    arrays["layer_2"] = np.zeros_like(arrays["layer_2"])
    store.write(deep.hash, {"cell": deep.describe()}, arrays)
    measure(study, store)
    for alignment in study.alignments:
        for cell in study.alignment_cells(alignment):
            meta, scores = store.read_meta(cell.hash), store.read_arrays(cell.hash)["scores"]
            if cell.encoder_a == deep.hash:
                assert np.isnan(scores[1]).all()
                assert not np.isnan(scores[[0, 2]]).any()
                assert meta["undefined_pairs"] == 2
                assert meta["layer_a"] != 2
                assert meta["score"] == np.nanmax(scores)
                if alignment.metric == "mutual_knn":
                    assert "zero" in meta["undefined_layers_a"]["2"]
            else:
                assert meta["undefined_pairs"] == 0


def test_nothing_defined_gives_no_best(store):
    study = study_of(METRICS[0])
    for cell in study.encoder_cells[:2]:
        arrays = {
            name: np.zeros_like(array) if name != "samples" else array
            for name, array in store.read_arrays(cell.hash).items()
        }
        store.write(cell.hash, {"cell": cell.describe()}, arrays)
    measure(study, store)
    meta = store.read_meta(study.alignment_cells(METRICS[0])[0].hash)
    assert (meta["score"], meta["layer_a"], meta["layer_b"]) == (None, None, None)
    assert meta["undefined_pairs"] == 2


def test_samples_must_be_the_same(store):
    study = study_of(METRICS[0])
    cell = study.encoder_cells[0]
    arrays = {**store.read_arrays(cell.hash), "samples": np.arange(1, 65)}
    store.write(cell.hash, {"cell": cell.describe()}, arrays)
    with pytest.raises(UserError, match="evaluated on different samples"):
        measure(study, store)


def test_the_shallowest_of_equal_pairs_wins():
    nan = np.nan
    assert best_pair(np.array([[0.1, 0.3], [0.3, 0.2]])) == (0.3, 1, 2)
    assert best_pair(np.array([[nan, -0.2], [-0.1, nan]])) == (-0.1, 2, 1)
    assert best_pair(np.array([[nan]])) == (None, None, None)
