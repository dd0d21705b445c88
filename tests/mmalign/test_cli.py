from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mmalign.cli import main
from mmalign.cli_measure import METRICS
from mmalign.errors import UserError


@pytest.fixture
def features(tmp_path, monkeypatch):
    """A working directory with features of 60 samples: a, b share a part, c is unrelated."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(60, 4))
    arrays = {
        "a": shared @ generator.normal(size=(4, 8)) + 0.1 * generator.normal(size=(60, 8)),
        "b": shared @ generator.normal(size=(4, 5)) + 0.1 * generator.normal(size=(60, 5)),
        "c": generator.normal(size=(60, 6)),
    }
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
    np.save("short.npy", arrays["a"][:50])
    np.save("constant.npy", np.ones((60, 3)))
    zero, nan = arrays["b"].copy(), arrays["b"].copy()
    zero[7] = 0
    nan[7, 2] = np.nan
    np.save("zero.npy", zero)
    np.save("nan.npy", nan)
    np.savez("many.npz", unrelated=arrays["c"], related=arrays["b"])
    return arrays


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    return code, *capsys.readouterr()


def run_json(capsys, *arguments: str) -> dict:
    code, output, errors = run(capsys, *arguments, "--json")
    assert (code, errors) == (0, "")
    return json.loads(output)


COMMANDS = [[], ["study"], ["study", "av-digits"], ["measure"], ["report"], ["data"]]
COMMANDS.append(["data", "av-digits"])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(capsys, command):
    code, output, errors = run(capsys, *command, "--help")
    assert (code, errors) == (0, "")
    assert "\n      mmalign " in output
    assert run(capsys, *command, "-h")[1] == output


@pytest.mark.parametrize("command", [[], ["study"], ["data"]])
def test_a_group_alone_shows_its_help(capsys, command):
    assert run(capsys, *command) == run(capsys, *command, "--help")


def test_help_names_every_preset(capsys):
    from mmalign.study import PRESETS

    output = run(capsys, "study", "av-digits", "--help")[1]
    for preset in PRESETS:
        assert f"{preset}:" in output


def test_version(capsys):
    from importlib.metadata import version

    assert run(capsys, "--version")[1] == f"mmalign, version {version('mmkernels')}\n"


def test_help_imports_nothing_heavy():
    program = (
        "import sys; from mmalign.cli import main; main(['--help']); "
        "print([m for m in ('torch', 'librosa', 'matplotlib', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_measure_prints_scores_and_chance(capsys, features):
    code, output, errors = run(capsys, "measure", "a.npy", "b.npy")
    assert (code, errors) == (0, "")
    assert "a.npy and b.npy: 60 samples" in output
    knn = next(line for line in output.splitlines() if line.startswith("mutual_knn (k=10, cosine)"))
    score, chance = map(float, knn.split()[-2:])
    assert chance == pytest.approx(10 / 59, abs=1e-4)
    assert score > 2 * chance
    assert "cka (linear, unbiased)" in output
    assert "best" not in output


def test_measure_agrees_with_mmkernels(capsys, features):
    import mmkernels

    document = run_json(capsys, "measure", "a.npy", "b.npy", "--k", "5", "--similarity", "l2")
    knn, cka = document["results"]
    expected = float(mmkernels.mutual_knn(features["a"], features["b"], k=5, metric="l2"))
    assert knn["matrix"] == [[expected]]
    assert knn["best"] == {"score": expected, "a": "a", "b": "b"}
    assert knn["chance"] == 5 / 59
    assert cka["matrix"][0][0] == float(mmkernels.cka(features["a"], features["b"]))
    assert cka["chance"] == 0
    assert document["n"] == 60
    assert document["a"] == {"path": "a.npy", "layers": [{"name": "a", "shape": [60, 8]}]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--kernel", "rbf"], {"kernel": "rbf", "sigma": "median", "unbiased": True}),
        (["--kernel", "rbf", "--sigma", "2"], {"kernel": "rbf", "sigma": 2.0, "unbiased": True}),
        (["--biased"], {"kernel": "linear", "sigma": None, "unbiased": False}),
    ],
)
def test_measure_options_of_cka(capsys, features, options, expected):
    import mmkernels

    document = run_json(capsys, "measure", "a.npy", "c.npy", "--metric", "cka", *options)
    (result,) = document["results"]
    assert result["options"] == expected
    assert result["chance"] == (0 if expected["unbiased"] else None)
    score = float(mmkernels.cka(features["a"], features["c"], **expected))
    assert result["best"]["score"] == score


def test_measure_many_layers(capsys, features):
    code, output, _ = run(capsys, "measure", "a.npy", "many.npz", "--metric", "mutual_knn")
    assert code == 0
    assert "best of 1 x 2 pairs of layers" in output
    assert "unrelated  related" in output
    document = run_json(capsys, "measure", "a.npy", "many.npz")
    for result in document["results"]:
        assert result["best"]["b"] == "related"
        ((unrelated, related),) = result["matrix"]
        assert result["best"]["score"] == related > unrelated


def test_wide_matrices_are_not_abridged(capsys, features, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    np.save("stack.npy", np.random.default_rng(0).normal(size=(20, 60, 3)))
    output = run(capsys, "measure", "stack.npy", "many.npz", "--metric", "cka")[1]
    assert "…" not in output
    output = run(capsys, "measure", "many.npz", "stack.npy", "--metric", "cka")[1]
    assert "…" not in output
    assert len(output.splitlines()[-1].split()) == 21


def test_layer_axis(capsys, features):
    np.save("stack.npy", np.random.default_rng(0).normal(size=(60, 3, 7)))
    document = run_json(capsys, "measure", "a.npy", "stack.npy", "--layer-axis", "1")
    assert [layer["shape"] for layer in document["b"]["layers"]] == [[60, 7]] * 3


def test_bfloat16_against_numpy(capsys, features):
    import torch

    torch.save(torch.tensor(features["a"]).bfloat16(), "a.pt")
    document = run_json(capsys, "measure", "a.pt", "a.npy", "--metric", "cka")
    assert 0.999 < document["results"][0]["best"]["score"] < 1


def test_a_score_that_is_not_defined(capsys, features):
    arguments = ["measure", "a.npy", "constant.npy", "--metric", "cka"]
    code, output, errors = run(capsys, *arguments)
    assert code == 0
    assert "not defined" in output
    assert errors.startswith("mmalign: note: constant.npy is constant")
    code, output, _ = run(capsys, *arguments, "--json")
    assert json.loads(output)["results"][0]["matrix"] == [[None]]
    assert json.loads(output)["results"][0]["best"] is None


WRONG = [
    (["measure", "a.npy"], "Missing argument 'B'. See mmalign measure --help."),
    (["measure", "a.npy", "none.npy"], "none.npy does not exist."),
    (["measure", "a.npy", "short.npy"], "a.npy has 60 samples and short.npy has 50"),
    (["measure", "a.npy", "nan.npy"], "nan.npy has NaN or infinity in row 7"),
    (["measure", "a.npy", "zero.npy"], "zero.npy has a zero row (row 7"),
    (["measure", "many.npz", "b.npy", "--k", "60"], "k must be between 1 and 59"),
    (["measure", "many.npz", "b.npy", "--k", "60"], "many.npz: unrelated"),
    (["measure", "a.npy", "b.npy", "--k", "0"], "k must be between 1 and 59"),
    (["measure", "a.npy", "b.npy", "--k", "ten"], "'ten' is not a valid integer"),
    (["measure", "a.npy", "b.npy", "--metric", "cosine"], "'cosine' is not one of"),
    (["measure", "a.npy", "b.npy", "--metric", "cka", "--k", "3"], "--k is for the metric"),
    (["measure", "a.npy", "b.npy", "--metric", "mutual_knn", "--biased"], "--biased is for"),
    (["measure", "a.npy", "b.npy", "--sigma", "-1"], "'-1' is not a positive number"),
    (["measure", "a.npy", "b.npy", "--sigma", "2"], "the linear kernel has none"),
    (["measure", "a.npy", "b.npy", "--layer-axis", "2"], "'2' is not one of"),
    (["frobnicate"], "No such command 'frobnicate'. See mmalign --help."),
    (["--frobnicate"], "No such option"),
    (["study", "mnist"], "No such command 'mnist'. See mmalign study --help."),
    (["study", "av-digits", "--data", "nowhere"], "nowhere is not a directory; expected one with"),
    (["study", "av-digits", "--data", "digits", "--preset", "slow"], "no preset 'slow'"),
    (["study", "av-digits", "--depths", "1-"], "'1-' is not a list of whole numbers"),
    (["study", "av-digits", "--seeds", "1,x"], "'1,x' is not a list of whole numbers"),
    (["study", "av-digits", "--seeds", "3-1"], "'3-1' is not a rising range"),
    (["study", "av-digits", "--seeds", "0-2,1"], "names a number twice"),
    (["study", "av-digits", "--data", "digits", "--device", "gpu"], "gpu"),
    (["study", "av-digits", "--data", "digits", "--workers", "0"], "workers must be at least 1"),
    (["study", "av-digits", "--data", "digits", "--epochs", "0"], "epochs"),
    (["study", "av-digits", "--data", "digits", "--depths", "0"], "depth"),
    (["report", "nowhere"], "nowhere is not a directory"),
    (["report", "digits"], "study.json"),
    (["data", "av-digits", "--seed", "-1"], "seed must be a whole number of at least 0, got -1"),
    (
        ["data", "av-digits", "--directory", "digits"],
        "digits exists and is not a complete",
    ),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG)
def test_wrong_input_ends_in_one_line_and_code_2(capsys, features, arguments, sentence):
    from mmalign.data.av_mnist import write_av_mnist

    generator = np.random.default_rng(0)
    sizes = {"train": 24, "test": 12}
    write_av_mnist(
        "digits",
        {part: generator.integers(0, 256, (n, 784)) for part, n in sizes.items()},
        {part: generator.normal(size=(n, 20, 36)) for part, n in sizes.items()},
        {part: np.arange(n) % 10 for part, n in sizes.items()},
    )
    code, output, errors = run(capsys, *arguments)
    assert code == 2
    assert output == ""
    assert errors.startswith("mmalign: ")
    assert errors.count("\n") == 1
    assert sentence in errors


def fail_with(monkeypatch, error: BaseException) -> None:
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("mmalign.data.features.load_features", fail)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("Two\nlines."), 2, "mmalign: Two lines.\n"),
        (OSError(28, "", "x.npy"), 2, "mmalign: x.npy: No space left on device.\n"),
        (MemoryError(), 2, "mmalign: There is not enough memory.\n"),
        (
            ModuleNotFoundError("", name="torch.nn"),
            2,
            'mmalign: The package torch is not installed: pip install "mmkernels[study]".\n',
        ),
        (KeyboardInterrupt("Stopped. Kept."), 130, "mmalign: Stopped. Kept.\n"),
        (KeyboardInterrupt(), 130, "mmalign: Stopped.\n"),
    ],
)
def test_what_a_user_can_act_on(capsys, features, monkeypatch, error, code, line):
    fail_with(monkeypatch, error)
    found, _, errors = run(capsys, "measure", "a.npy", "b.npy")
    assert (found, errors.lstrip("\n")) == (code, line)


@pytest.mark.parametrize(
    "error", [RuntimeError("x"), ValueError("x"), ModuleNotFoundError("", name="mmalign.lost")]
)
def test_a_defect_is_not_hidden(features, monkeypatch, error):
    fail_with(monkeypatch, error)
    with pytest.raises(type(error)):
        main(["measure", "a.npy", "b.npy"])


def test_without_the_study_extra(features):
    program = (
        "import sys; sys.modules['click'] = None; sys.argv = ['mmalign', 'study']; "
        "from mmalign.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert 'pip install "mmkernels[study]"' in done.stderr


def test_metrics_are_those_of_studies():
    from mmalign.study.metrics import METRICS as study_metrics

    assert set(METRICS) == set(study_metrics)


SMALL = ["--seeds", "0,1", "--depths", "1,2", "--epochs", "1"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A small data set in the layout of AV-MNIST that two encoders can learn."""
    from mmalign.data.av_mnist import write_av_mnist

    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (10, 784))
    sounds = generator.normal(0, 50, (10, 20, 36))
    labels = {"train": np.arange(240) % 10, "test": np.arange(60) % 10}
    images = {part: pictures[digit] for part, digit in labels.items()}
    audio = {
        part: (sounds[digit] + generator.normal(0, 50, (len(digit), 20, 36))).astype(np.float32)
        for part, digit in labels.items()
    }
    directory = tmp_path_factory.mktemp("digits")
    write_av_mnist(directory, images, audio, labels)
    return directory


def test_study_continues_and_ends_in_a_report(capsys, digits, tmp_path, monkeypatch):
    reports = []

    def write_report(directory, *, source):
        reports.append((directory, source))
        return directory / "report.html"

    monkeypatch.setattr("mmalign.report.write_report", write_report)
    out = tmp_path / "out"
    command = ["study", "av-digits", "--data", str(digits), "--out", str(out), *SMALL]
    code, output, _ = run(capsys, *command, "--workers", "1")
    assert (code, output) == (0, f"{out / 'report.html'}\n")
    cells = sorted((out / "cells").iterdir())
    assert len([cell for cell in cells if cell.suffix == ".safetensors"]) > 8
    written = [cell.stat().st_mtime_ns for cell in cells]

    code, output, _ = run(capsys, *command)
    assert (code, output) == (0, f"{out / 'report.html'}\n")
    assert [cell.stat().st_mtime_ns for cell in cells] == written

    code, _, errors = run(capsys, *command, "--no-resume")
    assert code == 2
    assert "already holds a study; leave out --no-resume" in errors

    assert run(capsys, "report", str(out)) == (0, f"{out / 'report.html'}\n", "")
    assert run(capsys, "report", str(out), "--data", "x")[0] == 0
    real = f"av-mnist:{digits}"
    assert reports == [(out, real), (out, real), (out, None), (out, "av-mnist:x")]


def test_ctrl_c_ends_in_one_line_and_code_130(digits, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "mmalign", "study", "av-digits", "--data", str(digits)]
    command += ["--out", str(out), "--epochs", "100000", "--workers", "1"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
        # Shells start background jobs with Ctrl-C ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not (out / "dataset.safetensors").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("mmalign: Stopped. Finished cells are kept in ")


def test_data_prints_the_directory(capsys, tmp_path, monkeypatch):
    calls = []

    def build(directory, seed, progress):
        calls.append((directory, seed, progress))
        return tmp_path

    monkeypatch.setattr("mmalign.data.av_digits.build_av_digits", build)
    assert run(capsys, "data", "av-digits", "--seed", "3") == (0, f"{tmp_path}\n", "")
    assert calls == [(None, 3, True)]
