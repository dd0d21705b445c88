"""Modules whose layers are easy to predict."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import mmalign


def two_layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def batches(n: int = 6, size: int = 4) -> list[torch.Tensor]:
    return list(torch.randn(n, 4, generator=torch.Generator().manual_seed(1)).split(size))


def hooks_of(model: nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_always_called")
    return sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)


def returns(value) -> nn.Module:
    """A model whose layer "inner" puts out ``value(x)``."""

    class Inner(nn.Module):
        def forward(self, x):
            return value(x)

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, x):
            self.inner(x)
            return x

    return Outer()


def inner_of(value, x, **options) -> np.ndarray:
    with mmalign.collect(returns(value), [x], layers="inner", **options) as features:
        return features["inner"]
