"""A memory map far larger than the memory that a process may use."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from .processes import output_of

WIDTHS = (192, 5)
ROWS = 6 * 2**30 // (4 * WIDTHS[0])  # 6 GiB of float32
WRITTEN = 4000
STREAMED = ROWS // 4  # enough to show that batches do not add up, in less time


def true_cka(x, y, n):
    """Unbiased CKA of n samples, all but those given at zero."""
    means = [z.sum(axis=0) / n for z in (x, y)]
    sides = [z - mean for z, mean in zip((x, y), means, strict=True)]
    rest = n - len(x)  # each of which lies at minus the mean

    def hsic(a, b):
        (u, mean_u), (v, mean_v) = ((sides[i], means[i]) for i in (a, b))
        squares_u, squares_v = (np.square(z).sum(axis=1) for z in (u, v))
        rest_u, rest_v = mean_u @ mean_u, mean_v @ mean_v
        product = np.square(u.T @ v + rest * np.outer(mean_u, mean_v)).sum()
        both = squares_u @ squares_v + rest * rest_u * rest_v
        totals = (squares_u.sum() + rest * rest_u) * (squares_v.sum() + rest * rest_v)
        return (product - n / (n - 2) * both + totals / ((n - 1) * (n - 2))) / (n * (n - 3))

    return hsic(0, 1) / np.sqrt(hsic(0, 0) * hsic(1, 1))


def test_six_gibibytes_in_one(tmp_path):
    """Reads the file several times over; every page but 4,000 is a hole that costs no disk."""
    draw = np.random.default_rng(0)
    rows = np.sort(draw.choice(ROWS, WRITTEN, replace=False))
    latent = draw.standard_normal((WRITTEN, 8))
    sides = []
    for name, width in zip("xy", WIDTHS, strict=True):
        values = np.tanh(latent @ draw.standard_normal((8, width)))
        values = (values + 0.5 * draw.standard_normal(values.shape)).astype(np.float32)
        sides.append(values)
        with open(tmp_path / name, "wb") as file:
            file.truncate(4 * ROWS * width)
            for row, value in zip(rows, values, strict=True):
                file.seek(4 * int(row) * width)
                file.write(value.tobytes())
    try:
        if not hasattr(os, "pread") or not Path("/proc/self/status").exists():
            pytest.skip("needs Linux's limit on a process's memory")
        if os.stat(tmp_path / "x").st_blocks * 512 > 2**30:
            pytest.skip("this file system writes holes out")
        found = output_of(CODE, directory=tmp_path, timeout=280).split()
    finally:
        for name in "xy":  # pytest keeps the directories of its last runs
            (tmp_path / name).unlink()
    sides = [z.astype(np.float64) for z in sides]
    wanted = true_cka(*sides, ROWS)
    assert 0.1 < wanted < 0.9
    assert float(found[0]) == pytest.approx(wanted, abs=1e-6)
    wanted = true_cka(*(z[rows < STREAMED] for z in sides), STREAMED)
    assert 0.1 < wanted < 0.9
    assert float(found[1]) == pytest.approx(wanted, abs=1e-12)
    assert int(found[2]) == STREAMED
    # Beside the mapped file, whose pages the system takes back when it needs them.
    assert float(found[3]) < 1024


CODE = f"""
    import re, resource
    from pathlib import Path
    import numpy as np, mmkernels

    def mebibytes(field):
        status = Path("/proc/self/status").read_text()
        return int(re.search(field + r":\\s+(\\d+)", status)[1]) / 1024

    small = np.random.default_rng(0).standard_normal((300, 40), dtype=np.float32)
    mmkernels.cka(small, small[:, :9])  # threads and their stacks
    x, y = (
        np.memmap(name, dtype=np.float32, mode="r", shape=({ROWS}, width))
        for name, width in zip("xy", {WIDTHS})
    )
    limit = int((mebibytes("VmSize") + 1024) * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    print(float(mmkernels.cka(x, y)))
    score = mmkernels.LinearCKA()
    for first in range(0, {STREAMED}, 10**6):
        rows = slice(first, min({STREAMED}, first + 10**6))
        score.update(x[rows], y[rows])
    print(float(score.compute()), score.count, mebibytes("RssAnon"))
"""
