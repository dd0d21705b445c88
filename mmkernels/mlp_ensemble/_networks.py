"""What is trained, and on what."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .._checks import integer, one_of

ACTIVATIONS = ("leaky_relu", "relu", "tanh")
LOSSES = ("cross_entropy", "l1", "mse")
MOST_WIDTH = 32
_MOST_DEPTH = 64


@dataclass(frozen=True)
class Network:
    """One multi-layer perceptron and how it is trained.

    depth, width:  ``depth`` linear layers of ``width`` units (at most 64 of at most 32), each
                   followed by the activation, then a linear head.
    activation:    "leaky_relu" (with ``slope`` below zero), "relu" or "tanh".
    learning_rate, weight_decay: of AdamW (Loshchilov and Hutter 2019), whose other settings are
                   PyTorch's: decay .9 and .999 of the moments, 1e-8 beside the root.
    epochs:        passes over the training samples.
    seed, order:   of the initial weights and of the batch order, 0 to 2^63 - 1; networks of equal
                   ``order`` see equal batches of equal data.
    data:          which of the data sets given to :func:`fit` it learns.

    >>> Network(depth=3, width=12, epochs=50).depth
    3
    """

    depth: int
    width: int = 12
    activation: str = "leaky_relu"
    slope: float = 0.01
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    epochs: int = 50
    seed: int = 0
    order: int = 0
    data: int = 0

    def __post_init__(self) -> None:
        one_of("activation", self.activation, ACTIVATIONS)
        for name, low, high in (
            ("depth", 1, _MOST_DEPTH),
            ("width", 1, MOST_WIDTH),
            ("epochs", 1, 10**9),
            ("seed", 0, 2**63 - 1),
            ("order", 0, 2**63 - 1),
            ("data", 0, 2**31),
        ):
            value = integer(name, getattr(self, name))
            if not low <= value <= high:
                raise ValueError(f"{name} must be between {low} and {high}; it is {value}.")
            object.__setattr__(self, name, value)
        for name, positive in (("learning_rate", True), ("weight_decay", False), ("slope", False)):
            value = float(getattr(self, name))
            if not math.isfinite(value) or value < 0 or (positive and value == 0):
                kind = "a positive number" if positive else "zero or a positive number"
                raise ValueError(f"{name} must be {kind}; it is {value!r}.")
            object.__setattr__(self, name, value)

    def shapes(self, inputs: int, outputs: int) -> Iterator[tuple[int, int]]:
        """(units, inputs) of every linear layer, the head last."""
        for layer in range(self.depth):
            yield self.width, inputs if layer == 0 else self.width
        yield outputs, self.width

    def initial_parameters(self, inputs: int, outputs: int) -> np.ndarray:
        """PyTorch's distribution for ``nn.Linear``: uniform within 1 / sqrt(inputs of the layer).

        Returns one float32 vector, per layer the weight (units, inputs) by rows, then the bias.
        """
        generator = np.random.Generator(np.random.Philox(self.seed))
        parts = []
        for units, own in self.shapes(inputs, outputs):
            bound = 1 / math.sqrt(own)
            parts.append(generator.uniform(-bound, bound, units * (own + 1)))
        return np.concatenate(parts).astype(np.float32)


@dataclass(frozen=True)
class TrainingData:
    """Samples to learn from and samples to choose the best epoch by.

    inputs, valid_inputs:   (n, d) and (m, d) float32 arrays, finite; n and m at least 1.
    targets, valid_targets: of a classification, (n,) and (m,) whole numbers in 0 .. outputs - 1;
                            of a regression (n, outputs) and (m, outputs) float32 arrays.
    outputs:                classes, or what is predicted; at most 32.
    """

    inputs: np.ndarray
    targets: np.ndarray
    valid_inputs: np.ndarray
    valid_targets: np.ndarray
    outputs: int
