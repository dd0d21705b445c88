"""Reading results back: tidy tables that pandas opens, and nothing invented."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from mmalign.errors import UserError
from mmalign.study import CellStore, load_results, write_tables

from .tiny_study import tiny_study


def test_encoders(finished_study):
    table = load_results(finished_study).encoders
    assert list(table.cell) == [cell.hash for cell in tiny_study().encoder_cells]
    assert list(table.view) == ["picture", "picture", "sequence", "sequence"]
    assert list(table.encoder) == ["mlp", "mlp", "transformer", "transformer"]
    assert list(table.depth) == [1, 2, 1, 2]
    assert set(table.dataset) == {"tiny"}
    # 64 -> 8 (-> 8) -> 3, with biases.
    assert list(table.parameters[:2]) == [64 * 8 + 8 + 8 * 3 + 3, 64 * 8 + 8 + 72 + 8 * 3 + 3]
    accuracies = table[["train_accuracy", "valid_accuracy", "test_accuracy"]]
    assert ((accuracies >= 0) & (accuracies <= 1)).all(axis=None)
    assert (table.best_epoch.between(1, table.epochs)).all()


def test_alignments(finished_study):
    results = load_results(finished_study)
    table = results.alignments
    assert len(table) == 8
    assert list(table.metric) == ["mutual_knn"] * 4 + ["cka"] * 4
    assert list(table.k[:4]) == [5] * 4
    assert table.k[4:].isna().all()
    assert {json.loads(options).get("kernel") for options in table.options} == {None, "rbf"}
    assert set(table.higher_is) == {"more alike"}
    assert list(table.chance) == pytest.approx([5 / 59] * 4 + [0] * 4)
    depths = results.encoders.set_index("cell").depth
    for row in table.itertuples():
        matrix = results.matrix(row.cell)
        assert matrix.shape == (depths[row.cell_a], depths[row.cell_b])
        assert (row.depth_a, row.depth_b) == matrix.shape
        assert row.score == matrix.max() == matrix[row.layer_a - 1, row.layer_b - 1]
        assert (row.view_a, row.view_b, row.n) == ("picture", "sequence", 60)


def test_representations_and_history(finished_study):
    results = load_results(finished_study)
    row = results.encoders.iloc[3]
    layers = results.representations(row.cell)
    assert [layer.shape for layer in layers] == [(60, 8), (60, 8)]
    history = results.history(row.cell)
    assert list(history.index) == [1, 2, 3]
    assert history.valid_accuracy[row.best_epoch] == row.valid_accuracy


def test_tables_are_files_that_pandas_opens(finished_study):
    results = load_results(finished_study)
    for name in ("encoders", "alignments"):
        path = finished_study / f"{name}.parquet"
        pd.testing.assert_frame_equal(pd.read_parquet(path), getattr(results, name))
        before = path.read_bytes()
        path.unlink()
        write_tables(finished_study)
        assert path.read_bytes() == before


def test_undefined_scores_are_missing_values(finished_study):
    store, cell = CellStore(finished_study), tiny_study().cells()[-1].hash
    meta, arrays = store.read(cell)
    meta = {**meta, "score": None, "layer_a": None, "layer_b": None, "undefined_pairs": 4}
    store.write(cell, meta, {"scores": np.full_like(arrays["scores"], np.nan)})
    table = write_tables(finished_study).alignments
    last = pd.read_parquet(finished_study / "alignments.parquet").iloc[-1]
    for row in (table.iloc[-1], last):
        assert pd.isna(row.score)
        assert pd.isna(row.layer_a)
        assert row.undefined_pairs == 4


def test_elapsed_time_is_the_sum_of_the_runs(finished_study):
    log = finished_study / "log.jsonl"
    entries = [
        {"run": "a", "elapsed": 1.5, "event": "run"},
        {"run": "b", "elapsed": 10.0, "event": "run"},
        {"run": "a", "elapsed": 2.5, "event": "end"},
    ]
    lines = [json.dumps(entry) for entry in entries]
    log.write_text("\n".join([lines[0], '{"run": "b", "ela', *lines[1:]]) + "\n")
    assert load_results(finished_study).elapsed_seconds == 12.5
    log.unlink()
    assert load_results(finished_study).elapsed_seconds is None


def test_what_is_no_finished_study(finished_study, tmp_path):
    with pytest.raises(UserError, match=r"it has no study\.json"):
        load_results(tmp_path / "nowhere")
    (CellStore(finished_study).path(tiny_study().encoder_cells[0].hash)).unlink()
    with pytest.raises(UserError, match="is not finished: 1 of 12 cells are missing"):
        load_results(finished_study)
