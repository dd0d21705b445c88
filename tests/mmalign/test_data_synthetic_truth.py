from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from mmalign.data.synthetic import (
    SyntheticSettings,
    ground_truth,
    pid_cache,
    synthetic_data,
    temperature_at_level,
)
from mmalign.data.synthetic.task import bits_of, task_of
from mmalign.data.synthetic.truth import ground_truth as truth_with_memory
from mmalign.errors import UserError
from mmalign.information import decomposition, mutual_information

from .command_line import run, run_json

PAPER = SyntheticSettings()
BALANCED = SyntheticSettings(task="balanced")
TINY = SyntheticSettings(samples=200, shared_bits=4, unique_bits=2, task_bits=4)

# R: I(X1;Y), I(X2;Y), co-information, Bayes of view 1 and 2; redundancy, unique parts, synergy.
PAPERS_TABLE = {
    8: (1.1588, 1.1588, 1.1588, 0.9063, 0.9063, 1.1588, 0, 0, 0),
    7: (0.9717, 1.1588, 0.9717, 0.7994, 0.9063, 0.9717, 0, 0.1871, 0),
    6: (0.9717, 0.8806, 0.6934, 0.7994, 0.7363, 0.7493, 0.2224, 0.1312, 0.0559),
    5: (0.7151, 0.8867, 0.4429, 0.6663, 0.7446, 0.5914, 0.1237, 0.2953, 0.1485),
    4: (0.7151, 0.7334, 0.2896, 0.6663, 0.7083, 0.4707, 0.2444, 0.2627, 0.1810),
    3: (0.4935, 0.7717, 0.1063, 0.5787, 0.7367, 0.3839, 0.1096, 0.3878, 0.2776),
    2: (0.4935, 0.6076, -0.0577, 0.5787, 0.6512, 0.3633, 0.1302, 0.2443, 0.4210),
    1: (0.3669, 0.6188, -0.1731, 0.5412, 0.6467, 0.3367, 0.0302, 0.2821, 0.5098),
    0: (0.3669, 0.4733, -0.3186, 0.5412, 0.5952, 0.2728, 0.0941, 0.2005, 0.5914),
}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """One cache for the module: the paper's rows take seconds."""
    directory = tmp_path_factory.getbasetemp() / "synthetic-truth-cache"
    monkeypatch.setenv("MMALIGN_CACHE", str(directory))


def pid_of(truth) -> list[float]:
    pid = truth.pid
    return [pid.redundancy, pid.unique_1, pid.unique_2, pid.synergy]


@pytest.mark.parametrize("redundancy", PAPERS_TABLE)
def test_the_papers_table(redundancy):
    truth = ground_truth(PAPER, redundancy)
    found = [truth.mi_1, truth.mi_2, truth.co_information, truth.bayes_1, truth.bayes_2]
    assert found + pid_of(truth) == pytest.approx(PAPERS_TABLE[redundancy], abs=1e-4)
    assert truth.mi_joint == pytest.approx(1.158839049, abs=1e-9)
    assert truth.bayes_joint == pytest.approx(0.906318, abs=1e-6)
    assert truth.classes == pytest.approx([0.25469694, 0.24188406, 0.25890316, 0.24451585])
    assert 0 <= truth.pid.gap <= 1e-7


def test_balanced_task_trades_redundancy_for_unique_information_alone():
    rows = [ground_truth(BALANCED, redundancy) for redundancy in range(8, -1, -1)]
    for row in rows:
        assert row.pid.synergy <= 1e-9
        assert row.pid.gap <= 1e-7
        assert row.mi_joint == pytest.approx(1.158839049, abs=1e-9)
        assert row.bayes_joint == pytest.approx(rows[0].bayes_joint, abs=1e-12)
        assert row.classes == pytest.approx([0.25] * 4, abs=1e-15)
    redundancy = np.array([row.pid.redundancy for row in rows])
    unique = np.array([row.pid.unique_1 + row.pid.unique_2 for row in rows])
    assert np.diff(redundancy).max() < -0.05
    assert np.diff(unique).min() > 0.05
    assert redundancy[-1] == pytest.approx(0, abs=1e-9)
    assert unique[0] == pytest.approx(0, abs=1e-9)


def test_the_balanced_task_keeps_up_with_the_papers_information():
    temperature = temperature_at_level(3)
    paper, balanced = (
        ground_truth(SyntheticSettings(task=task, temperature=temperature), 4, pid=False)
        for task in ("paper", "balanced")
    )
    assert balanced.mi_joint == pytest.approx(paper.mi_joint, abs=1e-9)
    assert paper.mi_joint < 1.0


@pytest.mark.parametrize("settings", [PAPER, BALANCED])
@pytest.mark.parametrize("redundancy", [0, 3, 8])
def test_samples_tell_what_the_ground_truth_says(settings, redundancy):
    data = synthetic_data(settings, redundancy, 0)
    truth = ground_truth(settings, redundancy, pid=False)
    positions = task_of(settings, redundancy).positions
    for view, expected in ((1, truth.mi_1), (2, truth.mi_2)):
        bits = bits_of(data.states(view), 12)
        own = positions >= 8
        seen = positions[~own | (positions // 4 == view + 1)]
        seen = np.where(seen >= 12, seen - 4, seen)
        _, states = np.unique(bits[:, seen], axis=0, return_inverse=True)
        table = np.zeros((states.max() + 1, 4))
        np.add.at(table, (states, data.labels), 1 / len(data))
        # Counting tells too much: (states - 1)(classes - 1) / 2n (Miller 1955).
        bias = (len(table) - 1) * 3 / (2 * len(data))
        assert mutual_information(table) == pytest.approx(expected + bias, abs=0.012)


@pytest.mark.parametrize("task_bits", [1, 3, 4])
def test_other_numbers_of_bits_and_classes(task_bits):
    settings = SyntheticSettings(
        samples=500, shared_bits=5, unique_bits=2, task_bits=task_bits, classes=3, weights_seed=4
    )
    ends = [ground_truth(settings, redundancy) for redundancy in (0, task_bits)]
    assert ends[0].mi_joint == pytest.approx(ends[1].mi_joint, abs=1e-12)
    assert ends[1].pid.redundancy == pytest.approx(ends[1].mi_joint, abs=1e-6)
    assert len(ends[0].classes) == 3
    data = synthetic_data(settings, 0, 1)
    assert data.view(2).shape == (500, 7)
    assert data.table(1).shape == (128, 7)


def test_a_decomposition_is_computed_once(tmp_path, monkeypatch):
    monkeypatch.setenv("MMALIGN_CACHE", str(tmp_path))
    table = np.array([[0.3, 0.1], [0.2, 0.4]])
    first = pid_cache.cached_decomposition(table, table, 0.2)
    assert first == decomposition(table, table, 0.2)
    (path,) = (tmp_path / "pid").glob("*.json")

    def fail(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(pid_cache, "decomposition", fail)
    assert pid_cache.cached_decomposition(table, table, 0.2) == first
    with pytest.raises(AssertionError):
        pid_cache.cached_decomposition(table, table, 0.25)
    path.write_text(path.read_text().replace('"synergy": 0.', '"synergy": 1.'))
    with pytest.raises(AssertionError):
        pid_cache.cached_decomposition(table, table, 0.2)


@pytest.mark.parametrize("damage", ["", "[]", '{"pid": {}}', '{"pid": {"redundancy": 1}}'])
def test_a_damaged_cache_is_made_again(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("MMALIGN_CACHE", str(tmp_path))
    table = np.array([[0.3, 0.1], [0.2, 0.4]])
    first = pid_cache.cached_decomposition(table, table, 0.2)
    (path,) = (tmp_path / "pid").glob("*.json")
    good = path.read_text()
    path.write_text(damage)
    assert pid_cache.cached_decomposition(table, table, 0.2) == first
    assert path.read_text() == good


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MMALIGN_CACHE", str(tmp_path / "file"))
    table = np.array([[0.3, 0.1], [0.2, 0.4]])
    with pytest.raises(UserError, match="cannot be written"):
        pid_cache.cached_decomposition(table, table, 0.2)


def test_a_truth_is_remembered():
    assert truth_with_memory(TINY, 2) is truth_with_memory(TINY, 2)


TINY_OPTIONS = ["--samples", "200", "--shared-bits", "4", "--unique-bits", "2", "--task-bits", "4"]


def test_describe_prints_a_row_per_redundancy(capsys):
    code, output, errors = run(capsys, "data", "synthetic", "--describe")
    assert (code, errors) == (0, "")
    assert "0.5914 of them become synergy, 0.2946 unique information" in output
    rows = [line.split() for line in output.splitlines()[-9:]]
    for row in rows:
        assert [float(cell) for cell in row[2:]] == pytest.approx(
            PAPERS_TABLE[int(row[0])], abs=2e-4
        )
        assert int(row[0]) + int(row[1]) == 8


def test_describe_without_pid(capsys):
    output = run(capsys, "data", "synthetic", "--describe", "--no-pid")[1]
    assert "synergy " not in output.splitlines()[-10]
    assert "Bayes 2" in output


def test_describe_as_json(capsys):
    document = run_json(capsys, "data", "synthetic", "--describe", *TINY_OPTIONS)
    assert SyntheticSettings(**document["settings"]) == TINY
    assert [row["redundancy"] for row in document["rows"]] == [4, 3, 2, 1, 0]
    row = document["rows"][2]
    assert (row["unique_1"], row["unique_2"]) == (1, 1)
    assert sum(row["pid"][part] for part in ("redundancy", "unique_1", "unique_2", "synergy")) == (
        pytest.approx(row["mi_joint"])
    )


def test_written_data_is_what_the_library_makes(capsys, tmp_path):
    directory = tmp_path / "bits"
    command = ["data", "synthetic", "--directory", str(directory), *TINY_OPTIONS]
    command += ["--redundancy", "1,4", "--depths", "2"]
    code, output, errors = run(capsys, *command)
    assert (code, output, errors) == (0, f"{directory}\n", "")
    assert sorted(path.name for path in directory.iterdir()) == [
        "recipe.json",
        "redundancy-1-depth-2.safetensors",
        "redundancy-4-depth-2.safetensors",
    ]
    arrays = load_file(directory / "redundancy-1-depth-2.safetensors")
    data = synthetic_data(TINY, 1, 2)
    for name, expected in {
        "view_1": data.view(1),
        "view_2": data.view(2),
        "labels": data.labels,
        **data.splits,
    }.items():
        assert arrays[name].dtype == expected.dtype
        assert (arrays[name] == expected).all()
    recipe = json.loads((directory / "recipe.json").read_text())
    assert SyntheticSettings(**recipe["recipe"]["settings"]) == TINY
    assert len(recipe["ground_truth"]) == 5

    assert run(capsys, *command)[0] == 0
    code, _, errors = run(capsys, *command, "--weights-seed", "3")
    assert code == 2
    assert "holds data made to another recipe" in errors


WRONG = [
    ([], "Give --describe to see what the data is, or --directory to write it."),
    (["--describe", "--directory", "here"], "Give --describe to see"),
    (["--describe", "--depths", "1"], "--redundancy and --depths are for --directory"),
    (["--directory", "here", "--json"], "--json is for --describe."),
    (["--describe", "--task", "xor"], 'task must be "paper" or "balanced"'),
    (["--describe", "--temperature", "0"], "temperature must be in 0.001 .. 1000, got 0.0."),
    (["--directory", "here", "--redundancy", "9"], "redundancy must be a whole number in 0 .. 8"),
    (["--directory", "here", "--depths", "9-12"], "transform_depth must be a whole number in 0"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_options(capsys, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    code, output, errors = run(capsys, "data", "synthetic", *options)
    assert (code, output) == (2, "")
    assert errors.startswith("mmalign: ")
    assert errors.count("\n") == 1
    assert message in errors
    assert list(tmp_path.iterdir()) == []
