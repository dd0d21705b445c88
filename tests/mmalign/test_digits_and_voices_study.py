from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from mmalign.analysis.digits_and_voices import points_table
from mmalign.data.digits_and_voices import BALANCES
from mmalign.errors import UserError
from mmalign.report.digits_and_voices import write_digits_and_voices_report
from mmalign.report.digits_and_voices.examples import examples_of
from mmalign.study import CellStore
from mmalign.study.digits_and_voices import (
    digits_and_voices_study,
    load_digits_and_voices_results,
    run_digits_and_voices_study,
)
from mmalign.study.digits_and_voices.description import balance_directory
from mmalign.study.directory import StudyDirectory
from mmalign.study.encoder_result import train_encoder
from mmalign.training.view import view_data

from .command_line import run
from .tiny_digits_and_voices import tiny_data

NAMES = ("digit", "both")


@pytest.fixture(scope="module")
def data():
    return tiny_data()


@pytest.fixture(scope="module")
def study(data):
    return digits_and_voices_study(
        "quick", data, balances=NAMES, seeds=(0, 1), depths=(1, 2), epochs=4
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data, study) -> Path:
    directory = tmp_path_factory.mktemp("study")
    # Trained here, as a worker would: starting workers takes longer than all of the training.
    for name, own in study.studies.items():
        place, dataset = StudyDirectory(balance_directory(directory, name)), data.at(BALANCES[name])
        place.open(own)
        for cell in own.encoder_cells:
            result = train_encoder(cell, view_data(dataset, cell.view), torch.device("cpu"))
            place.store.write(cell.hash, *result)
    quiet = Console(file=io.StringIO())
    run_digits_and_voices_study(study, data, directory, console=quiet)
    write_digits_and_voices_report(directory, data)
    return directory


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def cells(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.glob("balances/*/cells/*")
    }


def test_presets():
    data = tiny_data()
    quick, full = (digits_and_voices_study(name, data) for name in ("quick", "full"))
    names = ["digit", "unique-1", "unique-2", "unique-3", "voice", "both"]
    assert list(quick.studies) == names
    assert list(full.studies) == list(BALANCES)
    for study, encoders in ((quick, 2 * 4 * 4), (full, 2 * 5 * 10)):
        assert {len(own.encoder_cells) for own in study.studies.values()} == {encoders}
        # First weights and batches are the same at every balance; the data are not.
        streams = {tuple(c.stream for c in own.encoder_cells) for own in study.studies.values()}
        assert len(streams) == 1
        assert len({own.dataset for own in study.studies.values()}) == len(study.studies)
    with pytest.raises(UserError, match="no preset 'slow'; choose one of quick, full"):
        digits_and_voices_study("slow", data)


def test_expected_accuracy_leaves_no_luck(finished):
    results = load_digits_and_voices_results(finished)
    points = points_table(results)
    assert len(points) == 2 * 2 * 2 * 4
    known = points[points["balance"] == "digit"]
    assert np.allclose(known["expected"], known["accuracy"])
    assert known["expected"].max() > 0.3
    nothing = points[points["balance"] == "both"]
    assert (nothing["expected"] == 1 / 8).all()
    assert nothing["accuracy"].nunique() > 1


def test_alignment_is_calibrated_against_permuted_samples(finished):
    results = load_digits_and_voices_results(finished)
    points = points_table(results)
    own = points[points["metric"] == "mutual_knn"]
    assert points.loc[points["metric"] == "cka", "calibrated"].isna().all()
    # The best of several layer pairs lies above what one pair reaches by chance.
    assert own.loc[own["depth"] == 2, "null"].mean() > 1.01 * own["chance"].max()
    assert ((own["calibrated"] > 0) == (own["p"] <= 0.05)).all()
    stored = pd.read_parquet(finished / "points.parquet")
    assert stored.equals(points)


def test_the_report_says_what_the_tables_hold(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    table = pd.read_parquet(finished / "statistics.parquet")
    assert "there is nothing to predict for the sum of two digits" in page
    assert "nothing to predict, as the picture alone tells nothing of the label" in page
    row = table[
        (table["question"] == "alignment")
        & (table["statistic"] == "mean")
        & (table["metric"] == "cka")
        & (table["balance"] == "digit")
    ].iloc[0]
    assert f"{row['value']:.3f}".lstrip("0") in page
    assert page.count("data:image/svg+xml") == len(list((finished / "figures").glob("*.png")))
    for forbidden in ("<script", "http://", "https://"):
        assert forbidden not in page
    # Both information tables and the labels of the examples.
    assert page.count("the bitwise sum of two digits") >= 4
    assert "3.00" in page


def test_a_report_is_written_again_to_the_same_bytes(copy, data):
    before = {path.name: path.read_bytes() for path in copy.glob("*.*") if path.is_file()}
    write_digits_and_voices_report(copy, data)
    assert {path.name: path.read_bytes() for path in copy.glob("*.*") if path.is_file()} == before


def test_other_data_give_no_examples(finished, data):
    results = load_digits_and_voices_results(finished)
    assert examples_of(results, data) == (data, "")
    found, why = examples_of(results, tiny_data(seed=1))
    assert found is None
    assert why.startswith("Examples are not shown, as the built-in data is not what the study")


def test_a_run_goes_on_where_it_was_to_the_same_bytes(copy, finished, data, study, quiet):
    whole = cells(copy)
    results = load_digits_and_voices_results(copy)
    lost = results.balances["both"].alignments["cell"].iloc[3]
    CellStore(copy / "balances" / "both").path(lost).unlink()
    (copy / "balances" / "both" / "latents.parquet").unlink()
    with pytest.raises(UserError, match="not finished: 1 of 40 cells"):
        load_digits_and_voices_results(copy)
    done = run_digits_and_voices_study(study, data, copy, workers=1, console=quiet)
    assert (done.computed, done.found) == (1, 79)
    assert cells(copy) == whole
    assert "Balance 2 of 2, both: name the bitwise sum of two digits." in quiet.file.getvalue()


def test_a_damaged_null_is_computed_again(copy):
    whole = cells(copy)
    store = CellStore(copy / "balances" / "digit")
    null = next(
        path
        for path in (store.directory / "cells").iterdir()
        if "null" in store.read_arrays(path.stem)
    )
    null.write_bytes(null.read_bytes()[:-8] + b"\xff" * 8)
    points_table(load_digits_and_voices_results(copy))
    assert cells(copy) == whole


def test_what_cannot_be_run_leaves_no_directory_behind(tmp_path, data, study, quiet):
    # A study.json that nothing was computed for would refuse the corrected command.
    place = tmp_path / "new"
    for wrong, message in (
        ({"workers": 0}, "workers must be at least 1"),
        ({"device": "tpu"}, "device must be auto, cpu, cuda"),
    ):
        with pytest.raises(UserError, match=message):
            run_digits_and_voices_study(study, data, place, console=quiet, **wrong)
    with pytest.raises(UserError, match="depth of an encoder must be"):
        digits_and_voices_study("quick", data, depths=(0,))
    assert not place.exists()


def test_a_directory_of_another_study_is_refused(copy, data, quiet):
    other = digits_and_voices_study(
        "quick", data, balances=("digit",), seeds=(0, 1), depths=(1, 2), epochs=4
    )
    with pytest.raises(UserError, match=r"balances digit, both.*differs in its balances"):
        run_digits_and_voices_study(other, data, copy, console=quiet)


def test_what_is_no_such_study_is_refused(copy):
    content = json.loads((copy / "study.json").read_text())
    for change, message in (
        ({"name": "synthetic"}, "describes no study of digits and voices, but 'synthetic'"),
        ({"balances": 3}, "has no list of balances"),
        ({"balances": [{"name": "../.."}]}, r"names the balance '\.\./\.\.'; there are digit"),
    ):
        (copy / "study.json").write_text(json.dumps({**content, **change}))
        with pytest.raises(UserError, match=message):
            load_digits_and_voices_results(copy)
    (copy / "study.json").unlink()
    with pytest.raises(UserError, match="does not exist"):
        load_digits_and_voices_results(copy)


def test_altered_latents_are_refused(copy):
    path = copy / "balances" / "both" / "latents.parquet"
    pd.DataFrame({"sample": [1]}).to_parquet(path)
    with pytest.raises(UserError, match=r"has the columns \['sample'\], expected"):
        load_digits_and_voices_results(copy)
    path.write_bytes(b"no parquet")
    with pytest.raises(UserError, match="cannot be read"):
        load_digits_and_voices_results(copy)


def test_command_line(copy, capsys, monkeypatch, data):
    import mmalign.data.digits_and_voices as package
    import mmalign.report.digits_and_voices as report

    written = []
    monkeypatch.setattr(package, "build_digits_and_voices", lambda **options: copy)
    monkeypatch.setattr(package, "load_digits_and_voices", lambda directory: data)
    monkeypatch.setattr(
        report, "write_digits_and_voices_report", lambda *given: written.append(given) or "page"
    )
    code, output, _ = run(capsys, "study", "digits-and-voices", "--help")
    assert code == 0
    assert "mmalign study digits-and-voices --preset quick" in output
    arguments = ("study", "digits-and-voices", "--out", str(copy), "--seeds", "0,1")
    arguments += ("--depths", "1,2", "--epochs", "4", "--balances")
    code, output, errors = run(capsys, *arguments, "digit, both")
    assert (code, output) == (0, "page\n")
    code, _, errors = run(capsys, *arguments, "digit,synergy")
    assert (code, errors.count("\n")) == (2, 1)
    assert "There is no balance 'synergy'; choose among digit, unique-1" in errors
    code, _, errors = run(capsys, *arguments, "digit", "--no-resume")
    assert code == 2
    assert "already holds a study" in errors
    code, output, _ = run(capsys, "report", str(copy))
    assert (code, output) == (0, "page\n")
    assert written == [(copy, data), (copy,)]
    code, _, errors = run(capsys, "report", str(copy), "--data", "somewhere")
    assert code == 2
    assert "holds a digits-and-voices one" in errors
