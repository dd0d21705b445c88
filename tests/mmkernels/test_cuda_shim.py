"""The tests of the CUDA kernels, which fibers run on the CPU; see tests/cuda."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[1] / "cuda" / "build.py"


def test_cuda_shim(tmp_path):
    process = subprocess.run(
        [sys.executable, str(BUILD)], cwd=tmp_path, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout[-6000:] + process.stderr[-3000:]
