"""Many models: every pair is kept as it is finished, and a run that dies goes on from there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmalign.errors import UserError
from mmalign.measure import run as module
from mmalign.measure.metrics import metric
from mmalign.measure.models import find_models
from mmalign.measure.pairs import measure_pair
from mmalign.measure.results import layer_table, pair_table, read_pairs
from mmalign.measure.run import Request, measure_models
from mmalign.measure.store import only_run, open_directory
from mmalign.measure.treatment import Treatment

from .many_models import LAYERS, N, write_models

REQUEST = Request((metric("mutual_knn", k=3), metric("cka")), permutations=4)


@pytest.fixture
def models(tmp_path):
    write_models(tmp_path)
    return [find_models(tmp_path / side) for side in "xy"]


def cells(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in (directory / "cells").glob("*.safetensors")
    }


@pytest.mark.parametrize("treatment", [Treatment(), Treatment(0.9, normalize=True)])
def test_every_pair_is_as_if_measured_alone(monkeypatch, tmp_path, models, treatment):
    # One model at a time is held.
    monkeypatch.setattr(module, "_GROUP_BYTES", 1)
    store = open_directory(tmp_path / "out")
    request = Request(REQUEST.metrics, treatment, permutations=4, seed=5)
    measure_models(*models, request, store)
    pairs = list(read_pairs(*models, request, store))
    assert len(pairs) == 18
    for pair in pairs:
        alone = measure_pair(pair.metric, pair.x, pair.y, treatment, 4, 5)
        np.testing.assert_array_equal(pair.scores, alone.scores)
        np.testing.assert_array_equal(pair.null, alone.null)
        assert pair.describe() == alone.describe()


def test_groups_of_models_change_no_bit(monkeypatch, tmp_path, models):
    found = []
    for size in (1, 1 << 30):
        monkeypatch.setattr(module, "_GROUP_BYTES", size)
        store = open_directory(tmp_path / str(size))
        measure_models(*models, REQUEST, store)
        found.append({name: content for name, (content, _) in cells(store.directory).items()})
    assert found[0] == found[1]


def test_tables(tmp_path, models):
    store = open_directory(tmp_path / "out")
    measure_models(*models, REQUEST, store)
    pairs = list(read_pairs(*models, REQUEST, store))
    table = pair_table(pairs, REQUEST)
    assert list(table["metric"]) == ["mutual_knn"] * 9 + ["cka"] * 9
    assert set(table["n"]) == {N}
    assert (table["chance"] == np.where(table["metric"] == "cka", 0, 3 / (N - 1))).all()
    assert set(table["treatment"]) == {'{"clamp":null,"exact":false,"normalize":false}'}
    last = table.iloc[8]
    assert (last["x"], last["y"]) == ("model_2", "model_2")
    assert last["score"] == table["score"][:9].max()
    layers = layer_table(pairs)
    assert len(layers) == 2 * sum((LAYERS + i) * (LAYERS + j) for i in range(3) for j in range(3))
    own = layers[(layers["metric"] == "cka") & (layers["x"] == "model_1")]
    best = own[own["y"] == "model_2"].set_index(["layer_x", "layer_y"])["score"]
    row = table[(table["metric"] == "cka") & (table["x"] == "model_1")].iloc[2]
    assert best.idxmax() == (row["layer_x"], row["layer_y"])
    assert best.max() == row["score"]


def test_nothing_finished_is_measured_again(monkeypatch, tmp_path, models):
    store = open_directory(tmp_path / "out")
    measure_models(*models, REQUEST, store)
    before = cells(store.directory)
    monkeypatch.setattr(module, "compare", None)
    monkeypatch.setattr(module, "prepare_model", None)
    measure_models(*models, REQUEST, open_directory(tmp_path / "out"))
    assert cells(store.directory) == before


def test_another_request_is_measured_beside_the_first(tmp_path, models):
    store = open_directory(tmp_path / "out")
    measure_models(*models, REQUEST, store)
    before = cells(store.directory)
    searched: list[str] = []
    more = Request((metric("jaccard_knn", k=3), metric("cka")), permutations=4)
    measure_models(*models, more, store, lambda size, pair: searched.append(pair))
    assert len(searched) == 9
    after = cells(store.directory)
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 9  # the lists of neighbours are those of mutual_knn


def test_a_changed_file_is_another_model(tmp_path, models):
    store = open_directory(tmp_path / "out")
    measure_models(*models, REQUEST, store)
    path = models[0][1].path
    content = path.read_bytes()
    path.write_bytes(content[:-2] + b"\x00\x40")
    renewed = find_models(tmp_path / "x")
    again: list[str] = []
    measure_models(renewed, models[1], REQUEST, store, lambda size, pair: again.append(pair))
    assert len(again) == 6
    assert all(pair.startswith("model_1 and") for pair in again)


def test_a_copy_that_keeps_the_time_is_another_model(tmp_path, models):
    model = models[0][1]
    status = model.path.stat()
    content = model.path.read_bytes()
    model.path.write_bytes(content[:-2] + b"\x00\x40")
    os.utime(model.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert find_models(tmp_path / "x")[1].stamp != model.stamp


def test_a_file_that_changes_during_a_run_stops_it(tmp_path, models):
    store = open_directory(tmp_path / "out")
    path = models[0][1].path
    path.write_bytes(path.read_bytes()[:-2] + b"\x00\x40")
    with pytest.raises(UserError, match=r"model_1\.safetensors has changed since this run began"):
        measure_models(*models, REQUEST, store)


def test_a_damaged_pair_is_measured_again(tmp_path, models):
    store = open_directory(tmp_path / "out")
    measure_models(*models, REQUEST, store)
    before = cells(store.directory)
    victim = store.path(REQUEST.cell(REQUEST.metrics[1], models[0][0], models[1][2]).hash)
    victim.write_bytes(victim.read_bytes()[:-9])
    measure_models(*models, REQUEST, store)
    after = cells(store.directory)
    assert {name: content for name, (content, _) in after.items()} == {
        name: content for name, (content, _) in before.items()
    }


def start(directory: Path, stop_after: int) -> subprocess.CompletedProcess:
    script = Path(__file__).with_name("many_models.py")
    command = [sys.executable, str(script), str(directory), str(stop_after)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, models):
    whole = open_directory(tmp_path / "whole")
    measure_models(*models, REQUEST, whole)
    killed = start(tmp_path, 5)
    assert killed.returncode == -9, killed.stderr
    kept = cells(tmp_path / "out")
    assert len(kept) == 5 + 5  # pairs, and the neighbours of three models and two
    rest: list[str] = []
    measure_models(
        *models, REQUEST, open_directory(tmp_path / "out"), lambda size, pair: rest.append(pair)
    )
    assert len(rest) == 13
    found = cells(tmp_path / "out")
    assert {name: found[name] for name in kept} == kept
    expected = cells(whole.directory)
    assert {name: content for name, (content, _) in found.items()} == {
        name: content for name, (content, _) in expected.items()
    }


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    store = open_directory(tmp_path / "out")
    left = store.directory / "cells" / ".abc.safetensors.x1.partial"
    left.write_bytes(b"half")
    with only_run(store):
        assert not left.exists()


def test_two_runs_do_not_share_a_directory(tmp_path):
    store = open_directory(tmp_path / "out")
    with (
        only_run(store),
        pytest.raises(UserError, match=r"Another process measures into .*out; wait for it"),
        only_run(store),
    ):
        pass


def test_directories_of_others_are_left_alone(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.json").write_text("{}")
    (tmp_path / "file").write_text("")
    for name in ("study", "file"):
        with pytest.raises(UserError, match=f"{name} is there and holds something other than"):
            open_directory(tmp_path / name)
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["study.json"]


def test_a_model_without_any_layer_is_named(tmp_path, models):
    np.save(tmp_path / "x" / "zero.npy", np.zeros((N, 4)))
    xs = find_models(tmp_path / "x")
    store = open_directory(tmp_path / "out")
    with pytest.raises(UserError, match=r"zero.npy has a zero row \(row 0"):
        measure_models(xs, models[1], REQUEST, store)
