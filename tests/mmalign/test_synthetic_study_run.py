"""Running a synthetic study: its tables, and that nothing is lost, repeated or left half done."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import mmkernels
from mmalign.data.synthetic import ground_truth, synthetic_data
from mmalign.errors import UserError
from mmalign.study.store import CellStore
from mmalign.study.synthetic import load_synthetic_results, run_synthetic_study
from mmalign.study.synthetic.layers import unit_rows
from mmalign.study.synthetic.training import read_networks
from mmalign.training import TrainingDiverged

from .tiny_study import cell_bytes, log_of
from .tiny_synthetic import tiny_synthetic

SCRIPT = Path(__file__).with_name("tiny_synthetic.py")


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = mmkernels.get_num_threads()
    mmkernels.set_num_threads(count)
    yield
    mmkernels.set_num_threads(before)


def run_quietly(study, directory, **options):
    console = Console(file=io.StringIO(), width=200)
    summary = run_synthetic_study(study, directory, console=console, **options)
    return summary, console.file.getvalue()


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("synthetic") / "study"
    run_quietly(tiny_synthetic(), directory)
    return directory


@pytest.fixture(scope="module")
def results(finished):
    return load_synthetic_results(finished)


def test_every_encoder_and_comparison_is_in_the_tables(results):
    encoders, alignments = results.encoders, results.alignments
    # Of view 1: 3 levels; of view 2: 3 levels x 2 transforms; 2 seeds and 3 depths of each.
    assert len(encoders) == (3 + 6) * 2 * 3
    assert not encoders.duplicated(
        ["task", "uniqueness", "transform_depth", "view", "depth", "seed"]
    )[encoders["view"] == 2].any()
    assert len(alignments) == 6 * 2 * 4 * 3
    assert (alignments["depth_1"] == 1).all()
    assert (alignments["n"] == 150).all()
    assert (alignments["layer_1"] == 1).all()
    assert (alignments["layer_2"] <= alignments["depth_2"]).all()
    calibrated = alignments[alignments["calibrated"].notna()]
    assert set(calibrated["metric"]) == {"mutual_knn", "unbiased_cka"}
    assert calibrated["p_value"].between(1 / 6, 1).all()
    assert (alignments["uniqueness"].isin((0, 8))).all()


def test_the_tables_on_disk_are_those_that_are_read(finished, results):
    for name in ("encoders", "alignments", "ground_truth"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(finished / f"{name}.parquet"), getattr(results, name)
        )


def test_accuracies_are_those_of_the_kept_networks(finished, results):
    study = tiny_synthetic()
    unit = list(study.units())[-1]
    cell = unit.training[1]
    data = synthetic_data(cell.settings, cell.redundancy, cell.transform_depth)
    test = data.splits["test"]
    networks = read_networks(CellStore(finished), cell)
    rows = results.encoders.query(
        f"task == '{unit.task}' and uniqueness == {unit.uniqueness} and view == 2 and "
        f"transform_depth == {cell.transform_depth} and seed == {cell.seed}"
    ).set_index("depth")
    assert set(networks) == set(rows.index)
    for depth, network in networks.items():
        right = network.predict(data.view(2)[test]).argmax(axis=1) == data.labels[test]
        assert rows.loc[depth, "test_accuracy"] == right.mean()
        assert rows.loc[depth, "held_accuracy"] == right[150:].mean()
        assert rows.loc[depth, "valid_accuracy"] == network.valid_score.max()
    truth = ground_truth(cell.settings, cell.redundancy)
    assert (rows["bayes_accuracy"] == truth.bayes_2).all()


def test_a_score_is_the_best_of_the_layers_on_the_first_test_samples(finished, results):
    unit = next(tiny_synthetic().units())
    data = synthetic_data(
        unit.measurement.settings, unit.measurement.redundancy, unit.measurement.transform_depth
    )
    rows = data.splits["test"][:150]
    store = CellStore(finished)
    one, other = (
        [
            unit_rows(layer)
            for layer in read_networks(store, cell)[depth].represent(data.view(view)[rows])
        ]
        for cell, depth, view in zip(unit.training, (1, 4), (1, 2), strict=True)
    )
    wanted = mmkernels.mutual_knn_matrix(one, other, k=10).max()
    found = results.alignments.query(
        f"task == 'paper' and uniqueness == {unit.uniqueness} and seed == 0 and depth_2 == 4 and "
        f"transform_depth == {unit.measurement.transform_depth} and metric == 'mutual_knn'"
    )
    assert found["score"].tolist() == [wanted]


def test_a_finished_study_computes_nothing(finished, tmp_path):
    directory = shutil.copytree(finished, tmp_path / "again")
    before = cell_bytes(directory)
    summary, said = run_quietly(tiny_synthetic(), directory)
    assert (summary.computed, summary.found) == (0, len(before))
    assert said == ""
    assert cell_bytes(directory) == before


def test_what_is_missing_or_damaged_is_computed_again_to_the_same_bytes(finished, tmp_path):
    directory = shutil.copytree(finished, tmp_path / "damaged")
    before = cell_bytes(directory)
    victims = sorted((directory / "cells").glob("*.safetensors"))[::5]
    for number, path in enumerate(victims):
        if number % 2:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-7])
    with threads(1):
        summary, said = run_quietly(tiny_synthetic(), directory)
    assert summary.computed == len(victims)
    assert "is damaged" in said
    assert cell_bytes(directory) == before


def test_another_study_is_refused(finished):
    with pytest.raises(UserError, match="belongs to another study"):
        run_quietly(tiny_synthetic(seeds=(0,)), finished)


def test_an_unfinished_study_has_no_tables(finished, tmp_path):
    directory = shutil.copytree(finished, tmp_path / "unfinished")
    next((directory / "cells").glob("*.safetensors")).unlink()
    with pytest.raises(UserError, match=r"1 of \d+ cells are missing. Run it again"):
        load_synthetic_results(directory)


def test_a_loss_that_explodes_names_the_encoders_and_keeps_the_others(tmp_path):
    study = tiny_synthetic(seeds=(0,))
    wild = {
        key: type(found)(1e30 if key == (0, 2) else found.learning_rate, 0.0)
        for key, found in study.tuned.items()
    }
    broken = type(study)(**{**vars(study), "tuned": wild})
    with pytest.raises(
        TrainingDiverged, match=r"view 2 at redundancy 0.*--tune searches for others"
    ):
        run_quietly(broken, tmp_path / "wild")
    assert len(cell_bytes(tmp_path / "wild")) > 0


def test_ctrl_c_keeps_what_is_finished_and_the_run_goes_on_from_it(finished, tmp_path):
    directory = tmp_path / "interrupted"
    process = subprocess.Popen(
        [sys.executable, SCRIPT, directory],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where the tests run in the background, a shell has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(1200):
        if list((directory / "cells").glob("*.safetensors")) or process.poll() is not None:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    kept = cell_bytes(directory)
    if process.returncode:
        assert "Finished cells are kept" in errors
    run_quietly(tiny_synthetic(), directory)
    now = cell_bytes(directory)
    assert {name: now[name] for name in kept} == kept
    assert now == cell_bytes(finished)


def test_two_runs_share_a_directory(finished, tmp_path):
    directory = tmp_path / "shared"
    runs = [
        subprocess.Popen([sys.executable, SCRIPT, directory], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for run in runs:
        _, errors = run.communicate(timeout=200)
        assert run.returncode == 0, errors
    assert cell_bytes(directory) == cell_bytes(finished)
    computed = [
        entry["cell"] for kind in ("ensemble", "measurement") for entry in log_of(directory, kind)
    ]
    assert sorted(computed) == sorted(set(computed))


def test_ground_truth_is_there_for_every_task_and_level(results):
    truth = results.ground_truth
    assert set(zip(truth["task"], truth["uniqueness"], strict=True)) == {
        ("paper", 0),
        ("paper", 8),
        ("balanced", 8),
    }
    parts = truth[["pid_redundancy", "pid_unique_1", "pid_unique_2", "pid_synergy"]].sum(axis=1)
    np.testing.assert_allclose(parts, truth["mi_joint"], atol=1e-3)
