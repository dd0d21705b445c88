"""The tests of the C++ engine itself, compiled as the library is shipped; see tests/native."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[1] / "native" / "build.py"


def test_native(tmp_path):
    process = subprocess.run(
        [sys.executable, str(BUILD)], cwd=tmp_path, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout[-6000:] + process.stderr[-3000:]
