"""Training an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

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
    from ..torch.mlp_ensemble import fit_stacked

    return fit_stacked(
        networks,
        data,
        loss=loss,
        batch_size=batch_size,
        clip=clip,
        initial=initial,
        record_steps=record_steps,
        device=device,
        progress=progress,
    )
