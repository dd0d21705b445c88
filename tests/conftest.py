"""The tests import what is installed; running them from the checkout must not shadow that."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parents[1]

# `python -m pytest` puts the working directory first. A path named in PYTHONPATH is a wish.
_wished = {Path(entry or ".").resolve() for entry in os.environ.get("PYTHONPATH", "").split(":")}
if "PYTHONPATH" not in os.environ or CHECKOUT not in _wished:
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != CHECKOUT]

settings.register_profile("repository", deadline=None, derandomize=True, database=None)
settings.load_profile("repository")


def pytest_report_header(config):
    try:
        import mmkernels
    except ImportError as error:
        return f"mmkernels: not importable ({error})"
    how = f"{mmkernels.instruction_set()}, {mmkernels.get_num_threads()} threads"
    return f"mmkernels: {Path(mmkernels.__file__).parent}, {how}"


@pytest.fixture
def set_threads():
    """`mmkernels.set_num_threads`, undone after the test."""
    import mmkernels

    before = mmkernels.get_num_threads()
    yield mmkernels.set_num_threads
    mmkernels.set_num_threads(before)
