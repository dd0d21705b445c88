"""Every instruction set of this machine gives right answers; others are refused by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .processes import output_of, run_python

NEEDS = {
    "portable": set(),
    "avx2": {"avx2", "fma"},
    "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
    "avx512bf16": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16"},
}


def processor_flags():
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())


@pytest.mark.parametrize("name", NEEDS)
def test_core_agreement(name, tmp_path, monkeypatch):
    if not NEEDS[name] <= processor_flags():
        pytest.skip(f"this processor has no {name}")
    monkeypatch.setenv("MMKERNELS_ISA", name)
    chosen = output_of("import mmkernels; print(mmkernels.instruction_set())", directory=tmp_path)
    assert chosen == name
    tests = Path(__file__).with_name("test_core_agreement.py")
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stdout[-3000:]


def test_the_best_is_chosen(tmp_path):
    flags = processor_flags()
    if not flags:
        pytest.skip("the processor's flags cannot be read here")
    best = [name for name, needed in NEEDS.items() if needed <= flags][-1]
    chosen = output_of(
        "import mmkernels; print(mmkernels.instruction_set())",
        directory=tmp_path,
        environment={"MMKERNELS_ISA": None},
    )
    assert chosen == best


def test_an_unknown_name_is_refused(tmp_path):
    code = "import numpy, mmkernels; mmkernels.knn(numpy.eye(4), 1)"
    process = run_python(code, directory=tmp_path, environment={"MMKERNELS_ISA": "sse9"})
    assert process.returncode == 1
    last = process.stderr.strip().splitlines()[-1]
    assert "MMKERNELS_ISA is 'sse9'" in last
    assert "portable" in last
