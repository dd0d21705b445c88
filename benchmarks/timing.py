"""Contenders take turns, so that a slow minute of the machine is shared by all."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

# One sample lasts at least this long; short calls are repeated within it.
SAMPLE_SECONDS = 0.1
# Worker threads of OpenMP keep spinning for a while after a call and would slow the next one.
REST_SECONDS = 0.25
PRODUCT_SIZE = 2048


def interleaved(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds per call of every contender in every round, after one round that is not counted."""
    repeats = {}
    for name, call in calls.items():
        time.sleep(REST_SECONDS)
        start = time.perf_counter()
        call()
        elapsed = time.perf_counter() - start
        repeats[name] = max(1, math.ceil(SAMPLE_SECONDS / elapsed))
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(REST_SECONDS)
            start = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            samples[name].append((time.perf_counter() - start) / repeats[name])
    return samples


def library_products() -> dict[str, Callable[[], object]]:
    """Square float32 matrix products of the libraries at hand."""
    draw = np.random.default_rng(0)
    shape = (PRODUCT_SIZE, PRODUCT_SIZE)
    a, b = (draw.standard_normal(shape, dtype=np.float32) for _ in range(2))
    products: dict[str, Callable[[], object]] = {"product by numpy": lambda: a @ b}
    if importlib.util.find_spec("torch"):
        import torch

        first, second = torch.from_numpy(a), torch.from_numpy(b)
        products["product by torch"] = lambda: torch.mm(first, second)
    return products


def peak_memory(name: str, operation: str, n: int, threads: int) -> float:
    """MiB that the call adds to the peak memory of a fresh process."""
    script = Path(__file__).with_name("peak_memory.py")
    process = subprocess.run(
        [sys.executable, str(script), name, operation, str(n), str(threads)],
        capture_output=True,
        text=True,
    )
    if process.returncode:
        raise RuntimeError(f"{name}, {operation}, n = {n} failed:\n{process.stderr}")
    return float(process.stdout)
