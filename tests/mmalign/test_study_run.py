"""Running: the same bytes however often, wherever and by how many it is done."""

from __future__ import annotations

import dataclasses
import json
import time

import pytest
import torch

from mmalign.errors import UserError
from mmalign.study import CellStore, Study, load_results, run_study
from mmalign.study.encoder_result import train_encoder
from mmalign.training.view import view_data

from .tiny_study import cell_bytes, identities, log_of, tiny_dataset, tiny_study


def test_a_study_from_end_to_end(finished_study):
    study = tiny_study()
    names = {f"{cell.hash}.safetensors" for cell in study.cells()}
    assert set(cell_bytes(finished_study)) == names
    assert {path.name for path in finished_study.iterdir()} == {
        "study.json",
        "cells",
        "log.jsonl",
        "locks",
        "encoders.parquet",
        "alignments.parquet",
    }
    assert [path.name for path in (finished_study / "locks").iterdir()] == ["study.lock"]
    store = CellStore(finished_study)
    for cell in study.encoder_cells:
        meta, arrays = store.read(cell.hash)
        layers = [f"layer_{layer}" for layer in range(1, cell.depth + 1)]
        assert set(arrays) == {*layers, "logits", "predictions", "samples"}
        assert all(arrays[name].shape == (60, 8) for name in layers)
        assert (arrays["predictions"] == arrays["logits"].argmax(axis=1)).all()
        right = arrays["predictions"] == tiny_dataset().labels[arrays["samples"]]
        assert meta["accuracy"]["test"] == right.mean()
        assert meta["samples"] == {"train": 120, "valid": 60, "test": 60}
        best = meta["history"]["valid_accuracy"][meta["best_epoch"] - 1]
        assert best == meta["accuracy"]["valid"] == max(meta["history"]["valid_accuracy"])
    assert len(log_of(finished_study, "encoder")) == 4
    assert len(log_of(finished_study, "alignment")) == 8


def test_study_json_tells_what_was_asked(finished_study):
    content = json.loads((finished_study / "study.json").read_text())
    assert [cell["hash"] for cell in content["cells"]] == [
        cell.hash for cell in tiny_study().encoder_cells
    ]
    assert content["dataset"] == {"name": "tiny", "fingerprint": tiny_dataset().fingerprint}
    assert content["seeds"] == [1]
    assert set(content["versions"]) == {"python", "torch", "numpy", "mmkernels", "mmalign"}


def test_this_process_makes_the_bytes_a_worker_made(finished_study, tmp_path):
    """In another order, twice, with another number of threads and a used random state."""
    store = CellStore(tmp_path / "again")
    expected = cell_bytes(finished_study)
    dataset = tiny_dataset()
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for cell in (*reversed(tiny_study().encoder_cells), *tiny_study().encoder_cells):
            torch.rand(3)
            data = view_data(dataset, cell.view)
            store.write(cell.hash, *train_encoder(cell, data, torch.device("cpu")))
            name = store.path(cell.hash).name
            assert store.path(cell.hash).read_bytes() == expected[name]
    finally:
        torch.set_num_threads(threads)


def test_a_finished_study_is_left_alone(finished_study, quiet):
    before = identities(finished_study)
    asked = (finished_study / "study.json").read_bytes()
    summary = run_study(tiny_study(), tiny_dataset(), finished_study, console=quiet)
    assert (summary.computed, summary.found) == (0, 12)
    assert identities(finished_study) == before
    assert (finished_study / "study.json").read_bytes() == asked
    assert quiet.file.getvalue() == ""


def test_litter_of_killed_runs_is_removed(finished_study, quiet):
    names = {path.name for path in finished_study.iterdir()}
    for name in (".study.json.x1.partial", ".encoders.parquet.x2.partial", "dataset.safetensors"):
        (finished_study / name).write_bytes(b"half")
    run_study(tiny_study(), tiny_dataset(), finished_study, console=quiet)
    assert {path.name for path in finished_study.iterdir()} == names


def test_damage_is_reported_and_repaired(finished_study, quiet):
    expected = cell_bytes(finished_study)
    study = tiny_study()
    cells = [study.encoder_cells[0], study.alignment_cells(study.alignments[1])[2]]
    for cell in cells:
        path = CellStore(finished_study).path(cell.hash)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        load_results(finished_study)
    summary = run_study(study, tiny_dataset(), finished_study, workers=1, console=quiet)
    assert summary.computed == 2
    assert quiet.file.getvalue().count("is damaged") == 2
    assert all(cell.hash in quiet.file.getvalue() for cell in cells)
    assert cell_bytes(finished_study) == expected


def test_another_study_is_refused(finished_study, quiet):
    before = cell_bytes(finished_study)
    for other in (
        tiny_study(epochs=4),
        tiny_study(depths=(1, 2, 3)),
        dataclasses.replace(tiny_study(), alignments=tiny_study().alignments[:1]),
    ):
        with pytest.raises(UserError, match=r"belongs to another study \('tiny', preset 'test'"):
            run_study(other, tiny_dataset(), finished_study, console=quiet)
    assert cell_bytes(finished_study) == before


def test_cells_without_their_study_are_refused(finished_study, quiet):
    (finished_study / "study.json").unlink()
    with pytest.raises(UserError, match=r"finished cells but no study\.json"):
        run_study(tiny_study(), tiny_dataset(), finished_study, console=quiet)


def test_spoiled_study_json_is_refused(finished_study, quiet):
    for content, words in (("{", "not valid JSON"), ("[1]", "not describe"), ("{}", "no 'cells'")):
        (finished_study / "study.json").write_text(content)
        with pytest.raises(UserError, match=words):
            run_study(tiny_study(), tiny_dataset(), finished_study, console=quiet)


def test_other_versions_are_mentioned(finished_study, quiet):
    path = finished_study / "study.json"
    content = json.loads(path.read_text())
    content["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(content))
    run_study(tiny_study(), tiny_dataset(), finished_study, console=quiet)
    assert "other versions than it began with: torch 1.0 -> " in quiet.file.getvalue()


def test_wrong_requests(tmp_path, quiet):
    study, dataset = tiny_study(), tiny_dataset()
    with pytest.raises(UserError, match="workers must be at least 1, got 0"):
        run_study(study, dataset, tmp_path, workers=0, console=quiet)
    with pytest.raises(UserError, match="device must be"):
        run_study(study, dataset, tmp_path, device="abacus", console=quiet)
    with pytest.raises(UserError, match="fingerprint"):
        run_study(study, tiny_dataset(noise=1.0), tmp_path, console=quiet)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be used for a study"):
        run_study(study, dataset, tmp_path / "file", console=quiet)
    wrong = dataclasses.replace(
        study,
        encoder_cells=tuple(
            dataclasses.replace(cell, encoder="patch_vit") for cell in study.encoder_cells
        ),
    )
    with pytest.raises(UserError, match="'patch_vit' reads images of shape"):
        run_study(wrong, dataset, tmp_path / "new", console=quiet)


def test_divergence_stops_one_encoder_only(tmp_path, quiet):
    study = tiny_study(learning_rates={"picture 1": 1e30})
    diverging = study.encoder_cells[0]
    with pytest.raises(
        UserError, match=f"loss of the {diverging} became .* The other encoders are kept"
    ):
        run_study(study, tiny_dataset(), tmp_path, workers=1, console=quiet)
    store = CellStore(tmp_path)
    assert [store.has(cell.hash) for cell in study.encoder_cells] == [
        cell != diverging for cell in study.encoder_cells
    ]
    with pytest.raises(UserError, match="not finished: 9 of 12 cells"):
        load_results(tmp_path)


def test_progress_is_told_in_a_few_lines(tmp_path, quiet):
    study: Study = dataclasses.replace(tiny_study(epochs=1), alignments=())
    started = time.monotonic()
    run_study(study, tiny_dataset(), tmp_path, workers=2, console=quiet)
    lines = quiet.file.getvalue().splitlines()
    assert lines[0].startswith("4 encoders to train on 2 workers, 0 alignments to measure, 0 cells")
    assert lines[0].endswith(" s.")
    assert len(lines) <= 2 + (time.monotonic() - started) / 20
