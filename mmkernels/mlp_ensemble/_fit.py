"""Training an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .._native import _cpu
from ._checks import checked
from ._fitted import FittedNetwork
from ._networks import Network, TrainingData


def fit(
    networks: Sequence[Network],
    data: TrainingData | Sequence[TrainingData],
    *,
    loss: str = "cross_entropy",
    batch_size: int = 512,
    clip: float = 8.0,
    initial: Sequence[np.ndarray] | None = None,
    record_steps: int = 0,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> list[FittedNetwork]:
    """Train every network on its data, each as it would be trained alone."""
    plan = checked(networks, data, loss, batch_size, clip, initial, record_steps)
    found = _cpu.train_mlp_ensemble(
        plan.networks,
        plan.data,
        plan.initial,
        plan.loss,
        plan.batch_size,
        plan.clip,
        plan.record_steps,
        progress,
    )
    return [
        FittedNetwork(
            network,
            plan.data[network.data].inputs.shape[1],
            plan.data[network.data].outputs,
            *fitted,
            diverged or None,
        )
        for network, (*fitted, diverged) in zip(plan.networks, found, strict=True)
    ]
