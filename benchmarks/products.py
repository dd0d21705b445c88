"""Square matrix products of the libraries at hand: the machine's own limit, by precision."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np

SIZE = 2048
MULTIPLY_ADDS = SIZE**3


def names(instruction_set: str) -> list[str]:
    """bfloat16 is emulated where the processor has none, a thousand times slower."""
    found = ["float32 by numpy"]
    if importlib.util.find_spec("torch"):
        found.append("float32 by torch")
        if "bf16" in instruction_set:
            found.append("bfloat16 by torch")
    return found


def product(name: str) -> Callable[[], object]:
    precision, _, library = name.partition(" by ")
    draw = np.random.default_rng(0)
    a, b = (draw.standard_normal((SIZE, SIZE), dtype=np.float32) for _ in range(2))
    if library == "numpy":
        return lambda: a @ b
    import torch

    first, second = (torch.from_numpy(side).to(getattr(torch, precision)) for side in (a, b))
    return lambda: torch.mm(first, second)


def precision(name: str) -> str:
    return name.partition(" by ")[0]
