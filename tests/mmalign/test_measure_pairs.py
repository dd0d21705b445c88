"""Two models: every pair of layers as mmkernels measures it, the best one, its null."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mmkernels
from mmalign.errors import UserError
from mmalign.measure import null
from mmalign.measure.layers import best_pair, compare, prepare
from mmalign.measure.metrics import METRICS, metric
from mmalign.measure.models import find_models, notes_on_pairing, open_model
from mmalign.measure.pairs import PairResult, measure_pair, prepare_model
from mmalign.measure.treatment import Treatment

from .many_models import LAYERS, N, features, write_model


@pytest.fixture
def pair(tmp_path):
    write_model(tmp_path / "x" / "vit.safetensors", features(1, 2, 8), torch.float16)
    write_model(tmp_path / "y" / "llm.safetensors", features(2, 2, 6, 4), torch.bfloat16)
    return [find_models(tmp_path / side)[0] for side in "xy"]


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_that_of_the_library(pair, name):
    x, y = pair
    chosen = metric(name, k=5)
    found = measure_pair(chosen, x, y)
    expected = mmkernels.measure_matrix(
        chosen.engine_name, x.arrays(), y.arrays(), **chosen.engine_options
    )
    np.testing.assert_array_equal(found.scores, np.asarray(expected))
    assert found.scores.shape == (LAYERS, 4)
    best = np.argmin(found.scores) if name.endswith("_distance") else np.argmax(found.scores)
    assert found.best == np.unravel_index(best, found.scores.shape)
    assert found.score == found.scores[found.best]


@pytest.mark.parametrize(
    "name",
    ["mutual_knn", "jaccard_knn", "lcs_knn", "rank_similarity", "cka", "procrustes_distance"],
)
def test_the_null_is_the_best_of_permuted_samples(monkeypatch, pair, name):
    monkeypatch.setattr(null, "_BLOCK_CODES", 5 * N)
    x, y = pair
    chosen = metric(name, k=5)
    found = measure_pair(chosen, x, y, permutations=6, seed=3)
    best = np.min if name.endswith("_distance") else np.max
    expected = [
        best(
            mmkernels.measure_matrix(
                chosen.engine_name,
                x.arrays(),
                [layer[order] for layer in y.arrays()],
                **chosen.engine_options,
            )
        )
        for order in null.sample_orders(N, 6, 3)
    ]
    np.testing.assert_allclose(found.null, expected, rtol=1e-12 if "knn" in name else 1e-5)
    assert len(set(found.null)) > 1


def test_the_null_of_several_models_is_that_of_each(pair):
    x, y = pair
    chosen = metric("mutual_knn", k=5)
    xs = [prepare_model(chosen, model, Treatment()) for model in (x, y)]
    orders = null.sample_orders(N, 5, 0)
    together = null.null_best(chosen, xs, xs[1], orders, prepare_permuted=None)
    for one, row in zip(xs, together, strict=True):
        np.testing.assert_array_equal(null.null_best(chosen, [one], xs[1], orders, None)[0], row)


def test_more_permutations_begin_with_the_same(pair):
    few, many = null.sample_orders(20, 3, 7), null.sample_orders(20, 9, 7)
    np.testing.assert_array_equal(few, many[:3])
    assert not np.array_equal(few, null.sample_orders(20, 3, 8))


def test_related_models_are_beyond_their_null_and_unrelated_ones_are_not(tmp_path):
    for name, share in (("a", 3), ("b", 3), ("c", 0)):
        write_model(tmp_path / f"{name}.safetensors", features(ord(name), share, 8))
    a, b, c = find_models(tmp_path)
    chosen = metric("mutual_knn", k=5)
    related = measure_pair(chosen, a, b, permutations=99).calibration
    unrelated = measure_pair(chosen, a, c, permutations=99).calibration
    assert related["p_value"] == 0.01
    assert related["calibrated"] > 0
    assert unrelated["p_value"] > 0.05
    assert unrelated["calibrated"] == 0
    # The best of nine pairs of layers is above what one is expected to score.
    assert unrelated["chance_of_best"] > chosen.chance(N) == 5 / (N - 1)
    assert unrelated["threshold"] > unrelated["chance_of_best"]


def test_of_a_distance_less_is_beyond_the_null(pair):
    found = measure_pair(metric("procrustes_distance"), *pair, permutations=19)
    assert found.calibration["p_value"] == 0.05
    assert found.score < found.calibration["threshold"] <= found.calibration["chance_of_best"]
    assert "calibrated" not in found.calibration


def test_a_layer_that_has_no_score_hides_no_other(tmp_path):
    layers = features(1, 2, 8)
    layers[1][7] = 0
    write_model(tmp_path / "zero.safetensors", layers)
    layers = features(2, 2, 8)
    layers[0][3, 2] = np.nan
    write_model(tmp_path / "nan.safetensors", layers)
    nan, zero = find_models(tmp_path)
    for name in ("mutual_knn", "cka", "procrustes"):
        found = measure_pair(metric(name), zero, nan, permutations=2)
        missing = np.isnan(found.scores)
        expected = np.zeros((LAYERS, LAYERS), bool)
        expected[:, 0] = True
        expected[1] |= name == "mutual_knn"
        np.testing.assert_array_equal(missing, expected)
        assert np.isfinite(found.null).all()
        notes = " ".join(found.notes)
        assert f"{nan.path}: layer_000 has NaN or infinity in row 3" in notes
        assert (f"{zero.path}: layer_001 has a zero row (row 7" in notes) == (name == "mutual_knn")


def test_constant_layers_are_named(tmp_path):
    layers = features(1, 2, 8)
    layers[2][:] = 1
    write_model(tmp_path / "x.safetensors", layers)
    [model] = find_models(tmp_path)
    found = measure_pair(metric("cka"), model, model)
    assert np.isnan(found.scores[2]).all()
    assert np.isfinite(found.scores[:2, :2]).all()
    assert any(note.startswith(f"{model.path}: layer_002 is constant") for note in found.notes)


def test_models_without_any_score_are_refused(pair):
    with pytest.raises(UserError, match=r"k must be between 1 and 47.*vit.safetensors: layer_000"):
        measure_pair(metric("mutual_knn", k=N), *pair)
    with pytest.raises(UserError, match="the linear kernel has none"):
        measure_pair(metric("cka", sigma=2.0), *pair)


def test_arrays_that_are_in_no_file():
    chosen = metric("mutual_knn", k=4)
    sides = [prepare(chosen, ["first", "last"], features(seed, 1, 5, 2)) for seed in (1, 2)]
    scores = compare(chosen, *sides).matrix
    expected = mmkernels.mutual_knn(features(1, 1, 5, 2)[1], features(2, 1, 5, 2)[0], k=4)
    assert scores[1, 0] == float(expected)


def test_the_first_of_equal_layers_is_the_best():
    chosen = metric("cka")
    assert best_pair(chosen, np.array([[np.nan, 0.5], [0.5, 0.2]])) == (0, 1)
    assert best_pair(chosen, np.full((2, 2), np.nan)) is None


def test_without_a_score_there_is_no_calibration(pair):
    empty = PairResult(metric("cka"), *pair, np.full((1, 1), np.nan), np.zeros(3), [])
    assert empty.calibration == {}
    assert empty.describe()["layer_x"] is None


def test_the_clamp_changes_what_is_measured(pair):
    plain, clamped = (
        measure_pair(metric("cka"), *pair, Treatment(clamp)).scores for clamp in (None, 0.5)
    )
    layers = [list(Treatment(0.5).apply(model.arrays())) for model in pair]
    expected = mmkernels.measure_matrix("unbiased_cka", *layers)
    np.testing.assert_allclose(clamped, expected, rtol=1e-9)
    assert not np.allclose(plain, clamped, rtol=1e-3)


def test_models_are_found_by_name(tmp_path):
    for name in ("b.npy", "a.NPY", ".hidden.npy", "a.npz", "readme.txt"):
        with open(tmp_path / name, "wb") as stream:
            if name.endswith("z"):
                np.savez(stream, one=np.ones((4, 2)), two=np.ones((4, 3)))
            else:
                np.save(stream, np.ones((4, 2)))
    (tmp_path / "c.npy").mkdir()
    found = find_models(tmp_path)
    assert [model.name for model in found] == ["a.NPY", "a.npz", "b"]
    assert found[1].layers == (("one", (4, 2)), ("two", (4, 3)))
    assert [model.name for model in find_models(tmp_path / "b.npy")] == ["b"]


def test_directories_that_hold_no_models(tmp_path):
    with pytest.raises(UserError, match=r"holds no features; expected files that end in \.npy"):
        find_models(tmp_path)
    np.save(tmp_path / "a.npy", np.ones((4, 2)))
    np.save(tmp_path / "b.npy", np.ones((5, 2)))
    with pytest.raises(UserError, match=r"a.npy has 4 samples and .*b.npy has 5"):
        find_models(tmp_path)


def test_a_file_that_contradicts_its_header(tmp_path):
    path = tmp_path / "x.safetensors"
    write_model(path, features(1, 1, 4), data={"name": "wit", "n": N + 1, "sha256": "a"})
    with pytest.raises(
        UserError, match=f"has {N} samples in layer_000 and its header says {N + 1}"
    ):
        open_model(path)


def test_different_data_of_one_modality_is_noted(tmp_path):
    for name, modality, sha in (("a", "text", "1"), ("b", "text", "2"), ("c", "image", "3")):
        data = {"name": f"captions {sha}", "n": N, "sha256": sha}
        write_model(
            tmp_path / f"{name}.safetensors", features(1, 1, 4), modality=modality, data=data
        )
    a, b, c = find_models(tmp_path)
    assert notes_on_pairing([a, c, a]) == []
    [note] = notes_on_pairing([a, b, c])
    assert "(text: captions 1 and captions 2, whose checksums differ)" in note
