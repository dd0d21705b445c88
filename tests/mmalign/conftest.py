"""What several tests start from: a finished tiny study, files of features."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from mmalign.study import run_study

from .tiny_study import tiny_dataset, tiny_study


@pytest.fixture(scope="session")
def _finished_study(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("finished")
    run_study(
        tiny_study(), tiny_dataset(), directory, workers=2, console=Console(file=io.StringIO())
    )
    return directory


@pytest.fixture
def finished_study(_finished_study, tmp_path) -> Path:
    """A copy of the directory of a finished tiny study."""
    return Path(shutil.copytree(_finished_study, tmp_path / "study"))


@pytest.fixture
def one_thread():
    """One thread for torch: threads that wait for each other take longer than tiny models."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def quiet() -> Console:
    """A console that remembers what it was told; read it with ``quiet.file.getvalue()``."""
    return Console(file=io.StringIO(), width=200)


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
