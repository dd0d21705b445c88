"""One finished tiny study, shared by the tests that read or repeat it."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
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
def quiet() -> Console:
    """A console that remembers what it was told; read it with ``quiet.file.getvalue()``."""
    return Console(file=io.StringIO(), width=200)
