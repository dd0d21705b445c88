from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mmalign.cli import main
from mmalign.errors import UserError

from .command_line import run

COMMANDS = [[], ["study"], ["study", "av-digits"], ["measure"], ["report"], ["data"]]
COMMANDS += [["study", "affect"], ["study", "av-mnist"]]
COMMANDS += [["data", "av-digits"], ["data", "check"], ["data", "synthetic"]]


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
    (["measure", "a.npy", "b.npy", "--metric", "cka", "--k", "3"], "--k is for mutual_knn or"),
    (["measure", "a.npy", "b.npy", "--metric", "mutual_knn", "--biased"], "--biased is for"),
    (["measure", "a.npy", "b.npy", "--sigma", "-1"], "'-1' is not a positive number"),
    (["measure", "a.npy", "b.npy", "--sigma", "2"], "the linear kernel has none"),
    (["measure", "a.npy", "b.npy", "--layer-axis", "2"], "'2' is not one of"),
    (["frobnicate"], "No such command 'frobnicate'. See mmalign --help."),
    (["--frobnicate"], "No such option"),
    (["study", "fashion"], "No such command 'fashion'. See mmalign study --help."),
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
    (["study", "affect", "--path", "x"], "Missing option '--dataset'"),
    (["study", "affect", "--dataset", "iemocap", "--path", "x"], "'iemocap' is not one of 'mosi'"),
    (["study", "affect", "--dataset", "mosi"], "Missing option '--path'"),
    (["study", "affect", "--dataset", "mosi", "--path", "nowhere"], "nowhere"),
    (["study", "av-mnist", "--path", "nowhere"], "nowhere is not a directory; expected one with"),
    (["study", "av-mnist", "--path", "digits", "--preset", "full"], "no preset 'full'"),
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
