"""What every kind of model offers to the loop that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import UserError
from .batches import Item

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Encoded:
    """Pooled layers of a batch, each (batch, width) float32, and other numbers a sample.

    last_is_normed: whether the last layer is the output of a norm.
    """

    layers: list[torch.Tensor]
    extras: dict[str, np.ndarray] = field(default_factory=dict)
    last_is_normed: bool = False


class Encoder(Protocol):
    """A model with its preprocessing.

    pooling, preprocessing: for the header. extras: names of numbers beside the layers, float64.
    pads: whether samples of different lengths go through together. bytes_per_token: an estimate of
    what a token takes in a forward pass. parameters: how many weights. packages: those whose
    versions decide the features.
    """

    pooling: str
    preprocessing: dict[str, Any]
    extras: tuple[str, ...]
    pads: bool
    bytes_per_token: int
    parameters: int
    packages: tuple[str, ...]

    def measure(self, samples: Sequence[Any], first_row: int) -> list[Item]:
        """Prepare samples as far as it takes to know their lengths."""
        ...

    def encode(self, items: Sequence[Item]) -> Encoded:
        """Run the model on a batch; every layer, in order, the embeddings first."""
        ...


def choose_pooling(asked: str | None, allowed: tuple[str, ...], usual: str, kind: str) -> str:
    """Return the pooling asked for, or the usual one, if the kind of model has it."""
    pooling = asked or usual
    if pooling not in allowed:
        raise UserError(
            f"--pool {pooling} is not defined for {kind}; allowed: {', '.join(allowed)}."
        )
    return pooling


def memory_of_token(config: Any, dtype: str, vocabulary: int = 0) -> int:
    """Estimate the bytes a token takes: all hidden states, a block's inside, float32 logits."""
    itemsize = 4 if dtype == "float32" else 2
    width = getattr(config, "hidden_size", None) or getattr(config, "d_model", 1024)
    layers = getattr(config, "num_hidden_layers", None) or getattr(config, "encoder_layers", 24)
    return (layers + 1 + 16) * width * itemsize + vocabulary * (itemsize + 4)
