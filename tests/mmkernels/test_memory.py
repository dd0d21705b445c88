"""No n x n array: what a call adds to the memory of a fresh process at n = 8192, d = 768."""

from __future__ import annotations

from pathlib import Path

import pytest

from .processes import output_of

LIMIT_MIB = 200
CALLS = {
    "mutual_knn": "mutual_knn(x, y)",
    "second_order_cosine": "second_order_cosine(x, y)",
    "cknna": "cknna(x, y)",
    "cka linear": "cka(x, y)",
    "cka rbf": "cka(x, y, kernel='rbf')",
    "distance_correlation": "distance_correlation(x, y)",
    "cmd": "cmd(x, y)",
}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak memory")
@pytest.mark.parametrize("call", CALLS)
def test_peak(call, tmp_path):
    code = f"""
        import re
        import numpy as np, mmkernels
        from pathlib import Path

        def memory(field):
            status = Path("/proc/self/status").read_text()
            return int(re.search(field + r":\\s+(\\d+)", status)[1]) / 1024

        draw = np.random.default_rng(0)
        x, y = (draw.standard_normal((8192, 768), dtype=np.float32) for _ in range(2))
        mmkernels.mutual_knn(x[:500], y[:500])  # threads and their stacks
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = memory("VmRSS")
        mmkernels.{CALLS[call]}
        print(memory("VmHWM") - before)
    """
    assert float(output_of(code, directory=tmp_path)) < LIMIT_MIB
