"""A trained network, and what it makes of samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ._networks import Network


@dataclass(frozen=True)
class FittedNetwork:
    """A network at its best epoch on the validation samples.

    network, inputs, outputs: what was trained, the width of its inputs and of its head.
    parameters:  float32 vector; per layer the weight (units, inputs) by rows, then the bias.
    best_epoch:  from 1; the first with the highest validation accuracy, or for a regression with
                 the lowest mean absolute error. 0 where the loss was not finite from the start.
    train_loss, valid_loss: (epochs,) float64 means over the epoch's batches and after it.
    valid_score: (epochs,) float64, what chose the epoch: accuracy, or mean absolute error.
    step_losses: (steps,) float32 losses of the first steps, as many as :func:`fit` was asked for.
    diverged:    the epoch in which the training or validation loss was not finite, which ended the
                 training; None where it never was. Entries from that epoch on are NaN.
    """

    network: Network
    inputs: int
    outputs: int
    parameters: np.ndarray
    best_epoch: int
    train_loss: np.ndarray
    valid_loss: np.ndarray
    valid_score: np.ndarray
    step_losses: np.ndarray
    diverged: int | None = None

    def layers(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(weight (units, inputs), bias (units,)) of every linear layer, the head last; views."""
        start = 0
        for units, inputs in self.network.shapes(self.inputs, self.outputs):
            split, end = start + units * inputs, start + units * (inputs + 1)
            weight = self.parameters[start:split].reshape(units, inputs)
            yield weight, self.parameters[split:end]
            start = end

    def represent(self, x: np.ndarray) -> list[np.ndarray]:
        """What the activation of every layer says of (n, d) samples: ``depth`` (n, width) float32.

        Cost: O(n width^2 depth), by numpy.
        """
        *hidden, _ = self.layers()
        found = []
        x = self._checked(x)
        for weight, bias in hidden:
            x = self._activate(x @ weight.T + bias)
            found.append(x)
        return found

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(n, outputs) float32: logits of the classes, or predicted values."""
        *_, (weight, bias) = self.layers()
        return self.represent(x)[-1] @ weight.T + bias

    def _activate(self, x: np.ndarray) -> np.ndarray:
        if self.network.activation == "tanh":
            return np.tanh(x)
        slope = self.network.slope if self.network.activation == "leaky_relu" else 0.0
        return np.where(x > 0, x, x * np.float32(slope))

    def _checked(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, np.float32)
        if x.ndim != 2 or x.shape[1] != self.inputs:
            raise ValueError(
                f"x must be an (n, {self.inputs}) array, as wide as the inputs the network was "
                f"trained on; its shape is {x.shape}."
            )
        return x
