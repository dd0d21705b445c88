"""The studies of real datasets: the published recipe, a run from file to tables, resumption."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mmalign.analysis import correlations
from mmalign.analysis.benchmarks import table_1
from mmalign.cli import main
from mmalign.data.affect import load_affect
from mmalign.data.av_mnist import write_av_mnist
from mmalign.data.paired import PairedDataset, paired_dataset
from mmalign.encoders import build_encoder
from mmalign.errors import UserError
from mmalign.report import content
from mmalign.study import CellStore, load_results
from mmalign.study.benchmarks import benchmark_study, follows_the_paper
from mmalign.study.hyperparameters import Hyperparameters

from .affect_files import write_affect
from .command_line import run
from .tiny_study import identities

#: Dataset -> view -> width, learning rate, weight decay: written down again from the paper.
PUBLISHED = {
    "mosi": {"vision": (20, 1e-3, 0.01), "audio": (5, 1e-3, 0.01), "text": (300, 1e-4, 0.01)},
    "mosei": {"vision": (35, 5e-5, 0.1), "audio": (74, 1e-4, 0), "text": (300, 1e-5, 0)},
    "ur-funny": {"vision": (371, 1e-5, 0.01), "audio": (81, 5e-4, 0.001), "text": (300, 5e-5, 0)},
    "mustard": {"vision": (371, 5e-4, 0), "audio": (81, 5e-4, 0.1), "text": (300, 1e-4, 0.1)},
    "av-mnist": {"image": (16, 1e-3, 0), "audio": (36, 1e-3, 1e-4)},
}


def data_like(name: str, n: int = 30) -> PairedDataset:
    random = np.random.default_rng(0)
    views = {
        "image": random.random((n, 28, 28), dtype=np.float32),
        "audio": random.normal(size=(n, 20, 36)).astype(np.float32),
    }
    padding = {}
    if name != "av-mnist":
        mask = np.arange(50) >= random.integers(1, 51, size=n)[:, None]
        padding = {view: mask for view in PUBLISHED[name]}
        views = {
            view: random.normal(size=(n, 50, width)).astype(np.float32)
            for view, (width, *_) in PUBLISHED[name].items()
        }
    rows = np.arange(n)
    splits = {"train": rows[: n // 3], "valid": rows[n // 3 : n // 2], "test": rows[n // 2 :]}
    if name in ("mosi", "mosei"):
        labels = random.normal(size=n)
        return paired_dataset(name, views, labels, splits, 1, padding, "regression")
    return paired_dataset(name, views, np.arange(n) % 2, splits, 2, padding)


@pytest.mark.parametrize("name", PUBLISHED)
def test_paper_is_the_published_recipe(name):
    dataset = data_like(name)
    study = benchmark_study(name, "paper", dataset)
    study.check_dataset(dataset)
    for view, (width, learning_rate, weight_decay) in PUBLISHED[name].items():
        cells = study.of_view(view)
        assert [(cell.seed, cell.depth) for cell in cells] == [
            (seed, depth) for seed in (2, 22, 42) for depth in range(1, 11)
        ]
        for cell in cells:
            assert (cell.learning_rate, cell.weight_decay) == (learning_rate, weight_decay)
            assert (cell.batch_size, cell.clip) == (64, 8)
            assert cell.epochs == (100 if name == "av-mnist" else 50)
            assert cell.options["dropout"] == 0.1
            readout = "mean_with_padding" if name in ("mosi", "mosei") else "cls"
            assert cell.options["readout"] == readout
        shape = dataset.views[view].shape[1:]
        assert build_encoder(cells[0].encoder, shape, 1, **cells[0].options).width == width
    assert study.alignments[0].options == {
        "kernel": "linear",
        "sigma": None,
        "unbiased": True,
        "samples": 4096,
        "clamp": 0.95,
        "unit_rows": True,
    }
    assert follows_the_paper(study)
    pairs = {(one.view_a, one.view_b) for one in study.alignments}
    assert len(pairs) == (1 if name == "av-mnist" else 3)
    assert len(study.cells()) == 30 * len(PUBLISHED[name]) + 900 * len(pairs) * 2


def test_quick_is_smaller_and_parts_can_be_replaced():
    dataset = data_like("mosi")
    quick = benchmark_study("mosi", "quick", dataset)
    assert len(quick.encoder_cells) == 3 * 3 * 3
    assert {cell.epochs for cell in quick.encoder_cells} == {8}
    assert not follows_the_paper(quick)
    assert not follows_the_paper(benchmark_study("mosi", "paper", dataset, epochs=49))
    own = benchmark_study("mosi", "paper", dataset, seeds=[7], depths=[2], epochs=3)
    assert {(cell.seed, cell.depth, cell.epochs) for cell in own.encoder_cells} == {(7, 2, 3)}


def test_wrong_requests():
    dataset = data_like("mosi")
    with pytest.raises(UserError, match="no preset 'full'; choose one of quick, paper"):
        benchmark_study("mosi", "full", dataset)
    with pytest.raises(UserError, match="no dataset 'iemocap'; choose one of mosi, "):
        benchmark_study("iemocap", "paper", dataset)
    blind = dataclasses.replace(dataset, views={"text": dataset.views["text"]}, padding={})
    with pytest.raises(UserError, match="needs the views vision, audio, text; 'mosi' has text"):
        benchmark_study("mosi", "paper", blind)
    with pytest.raises(UserError, match="mustard is a classification; 'mosi' is a regression"):
        benchmark_study("mustard", "paper", dataset)
    with pytest.raises(UserError, match="epochs must be an integer of at least 1, got 0"):
        benchmark_study("mosi", "paper", dataset, epochs=0)


def test_too_few_test_samples_are_refused_before_anything_is_trained():
    dataset = data_like("mustard", n=20)
    with pytest.raises(UserError, match=r"mutual_knn .* needs at least 11 test samples, .* has 10"):
        benchmark_study("mustard", "paper", dataset).check_dataset(dataset)


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """A command that studies a file in the format of MultiBench."""
    place = tmp_path_factory.mktemp("affect")
    write_affect(place, "mosi", sizes={"train": 48, "valid": 16, "test": 24})
    command = ["study", "affect", "--dataset", "mosi", "--path", str(place), "--epochs", "2"]
    command += ["--depths", "1,2", "--seeds", "2,22", "--workers", "1", "--out"]
    return [*command, str(place / "out")]


@pytest.fixture(scope="module")
def finished(command):
    """What the command left behind; the drawings are another test's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmalign.report.write_report", lambda directory: directory)
        assert main(command) == 0
    return Path(command[-1])


def test_a_run_from_the_file_to_the_tables(finished):
    results = load_results(finished)
    assert len(results.encoders) == 3 * 2 * 2
    assert len(results.alignments) == 2 * 3 * 4 * 4
    assert (results.alignments["n"] == 24).all()
    assert results.samples() == {"train": 48, "valid": 16, "test": 24}
    answers = correlations(results, resamples=99)
    table = table_1(answers, results.study["name"])
    assert list(table["n"]) == [4] * 12


def test_accuracy_is_of_the_sign_and_the_error_is_kept(finished):
    results = load_results(finished)
    dataset = load_affect(finished.parent, "mosi")
    truth = dataset.labels[dataset.splits["test"]]
    for row in results.encoders.itertuples():
        arrays = CellStore(finished).read_arrays(row.cell)
        predictions = arrays["predictions"]
        assert arrays["logits"].shape == (24, 1)
        assert row.test_accuracy == np.mean((predictions > 0) == (truth > 0))
        assert row.test_absolute_error == pytest.approx(np.abs(predictions - truth).mean(), 1e-5)
    assert results.is_regression
    assert "absolute error" in content.task_sentence(results)
    assert content.encoder_rows(results)[0]["error"] != "–"


def test_the_same_command_finds_everything_there(finished, command, capsys, monkeypatch):
    monkeypatch.setattr("mmalign.report.write_report", lambda directory: directory)
    before = identities(finished)
    assert run(capsys, *command)[:2] == (0, f"{finished}\n")
    assert identities(finished) == before
    assert run(capsys, *command, "--no-resume")[0] == 2
    code, _, errors = run(capsys, "report", str(finished), "--data", "x")
    assert code == 2
    assert "--data is for a study of AV-MNIST" in errors


def test_av_mnist_is_standardised_and_studied_as_published(tmp_path, capsys, monkeypatch):
    random = np.random.default_rng(0)
    parts = {"train": 36, "test": 12}
    write_av_mnist(
        tmp_path,
        {part: random.integers(0, 256, (n, 784)) for part, n in parts.items()},
        {part: random.normal(3, 50, (n, 20, 36)) for part, n in parts.items()},
        {part: np.arange(n) % 10 for part, n in parts.items()},
    )
    asked = []
    monkeypatch.setattr("mmalign.study.run_study", lambda *given, **options: asked.append(given))
    monkeypatch.setattr("mmalign.report.write_report", lambda directory, source: source)
    code, output, _ = run(capsys, "study", "av-mnist", "--path", str(tmp_path), "--preset", "paper")
    assert (code, output) == (0, f"av-mnist:{tmp_path}\n")
    ((study, dataset, directory),) = asked
    assert (study.name, directory) == ("av-mnist", Path("study-av-mnist-paper"))
    assert study == benchmark_study("av-mnist", "paper", dataset)
    train = dataset.views["audio"][dataset.splits["train"]]
    np.testing.assert_allclose(train.std(axis=(0, 2)), 1, rtol=1e-4)


def test_tuned_values_take_the_place_of_the_published(command, capsys, monkeypatch, tmp_path):
    asked = []
    found = {view: Hyperparameters(5e-5, 0.1) for view in ("vision", "audio", "text")}
    monkeypatch.setattr("mmalign.study.tuning.tune", lambda *given, **options: found)
    monkeypatch.setattr("mmalign.study.run_study", lambda *given, **options: asked.append(given))
    monkeypatch.setattr("mmalign.report.write_report", lambda directory: directory)
    assert run(capsys, *command[:-1], str(tmp_path), "--tune")[0] == 0
    ((study, *_),) = asked
    assert {(c.learning_rate, c.weight_decay) for c in study.encoder_cells} == {(5e-5, 0.1)}
