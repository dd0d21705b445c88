"""The module as it was built and installed: it loads on any machine, and says what it misses."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

built = pytest.mark.skipif(
    importlib.util.find_spec("mmkernels._cuda") is None,
    reason="mmkernels was built where no CUDA compiler was found",
)


def output_of(code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@built
def test_it_loads_without_a_device(tmp_path):
    devices, reason = eval(
        output_of("from mmkernels import _cuda; print(_cuda.availability())", tmp_path)
    )
    assert (devices > 0) == (reason == "")
    assert not reason or reason.endswith(".")


@built
def test_devices_can_be_hidden(tmp_path):
    code = """
import os
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import mmkernels
assert not mmkernels.cuda.is_available()
print(mmkernels.cuda.why_unavailable())
"""
    said = output_of(code, tmp_path)
    assert said.endswith(".")
    assert "CUDA" in said


def test_asking_loads_nothing_else(tmp_path):
    code = """
import sys, mmkernels
mmkernels.cuda.is_available()
print(sorted({"torch", "cupy"} & set(sys.modules)))
"""
    assert output_of(code, tmp_path) == "[]"
