"""A step of networks of one shape, side by side: stacked products, the gradient, and AdamW.

Samples are columns, so that every product has a batch of them as its long side. The gradient is
written out: automatic differentiation would sum and copy activations once more.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..mlp_ensemble import Network

FIRST_DECAY, SECOND_DECAY, BESIDE_ROOT = 0.9, 0.999, 1e-8  # of AdamW in PyTorch
BESIDE_NORM = 1e-6  # of PyTorch's clip_grad_norm_


class StackedNetworks:
    """Networks of equal depth, width and activation, with their moments.

    parameters: (networks, parameters) float32, in PyTorch's order.
    """

    def __init__(self, networks: list[Network], inputs: int, parameters: Tensor, outputs: int):
        self.networks = networks
        self.parameters = parameters
        self.steps = 0
        self._shapes = list(networks[0].shapes(inputs, outputs))
        self._activation = networks[0].activation
        self._slope = networks[0].slope
        rates = torch.tensor([network.learning_rate for network in networks], dtype=torch.float64)
        decays = torch.tensor([network.weight_decay for network in networks], dtype=torch.float64)
        self._rate = rates[:, None].to(parameters)
        self._kept = (1 - rates * decays)[:, None].to(parameters)
        self._first, self._second = torch.zeros_like(parameters), torch.zeros_like(parameters)

    def keep(self, indices: list[int]) -> None:
        """Leave out all other networks."""
        self.networks = [self.networks[index] for index in indices]
        chosen = torch.tensor(indices, dtype=torch.int64, device=self.parameters.device)
        for name in ("parameters", "_rate", "_kept", "_first", "_second"):
            setattr(self, name, getattr(self, name)[chosen])

    def predict(self, x: Tensor) -> Tensor:
        """(networks, outputs, samples) of (networks, inputs, samples)."""
        return self._activations(x)[-1]

    def step(self, x: Tensor, targets: Tensor, loss: str, clip: float) -> Tensor:
        """Train on one batch each; its loss before the step, (networks,)."""
        activations = self._activations(x)
        losses, error = loss_and_error(activations.pop(), targets, loss)
        gradient = torch.empty_like(self.parameters)
        layers, slopes = self._layers(self.parameters), self._layers(gradient)
        for (weight, _), (by_weight, by_bias) in zip(layers[::-1], slopes[::-1], strict=True):
            torch.bmm(error, activations[-1].mT, out=by_weight)
            torch.sum(error, 2, keepdim=True, out=by_bias)
            if len(activations) > 1:
                error = self._before_activation(torch.bmm(weight.mT, error), activations.pop())
        norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
        self._adamw(gradient.mul_((clip / (norm + BESIDE_NORM)).clamp_(max=1)))
        return losses

    def _adamw(self, gradient: Tensor) -> None:
        self.steps += 1
        self._first.lerp_(gradient, 1 - FIRST_DECAY)
        self._second.mul_(SECOND_DECAY).addcmul_(gradient, gradient, value=1 - SECOND_DECAY)
        root = self._second.sqrt().mul_((1 - SECOND_DECAY**self.steps) ** -0.5).add_(BESIDE_ROOT)
        self.parameters.mul_(self._kept)
        rate = self._rate / -(1 - FIRST_DECAY**self.steps)
        self.parameters.addcmul_(rate, torch.div(self._first, root, out=root))

    def _layers(self, stacked: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Views: (networks, units, inputs) weights and (networks, units, 1) biases of layers."""
        found, start = [], 0
        for units, inputs in self._shapes:
            split, end = start + units * inputs, start + units * (inputs + 1)
            weight = stacked[:, start:split].unflatten(1, (units, inputs))
            found.append((weight, stacked[:, split:end, None]))
            start = end
        return found

    def _activations(self, x: Tensor) -> list[Tensor]:
        """The input, what every activation says, and the head's output."""
        found = [x]
        *hidden, (head, head_bias) = self._layers(self.parameters)
        for weight, bias in hidden:
            found.append(self._activate(torch.baddbmm(bias, weight, found[-1])))
        return [*found, torch.baddbmm(head_bias, head, found[-1])]

    def _activate(self, x: Tensor) -> Tensor:
        if self._activation == "tanh":
            return x.tanh_()
        if self._activation == "relu":
            return x.relu_()
        return functional.leaky_relu_(x, self._slope)

    def _before_activation(self, error: Tensor, result: Tensor) -> Tensor:
        """Errors before an activation, of those after it and of its result."""
        if self._activation == "tanh":
            return torch.ops.aten.tanh_backward(error, result)
        if self._activation == "relu":
            return torch.ops.aten.threshold_backward(error, result, 0)
        return torch.ops.aten.leaky_relu_backward(error, result, self._slope, True)


def loss_and_error(found: Tensor, targets: Tensor, loss: str) -> tuple[Tensor, Tensor]:
    """(networks,) mean losses, and their derivatives by `found`, which may be overwritten.

    found: (networks, outputs, samples); targets: (networks, 1, samples) classes, or as `found`.
    """
    _, outputs, samples = found.shape
    if loss == "cross_entropy":
        error = found.log_softmax(1)
        losses = error.gather(1, targets).mean((1, 2)).neg_()
        error.exp_().scatter_add_(1, targets, error.new_full((), -1.0).expand_as(targets))
        return losses, error.div_(samples)
    error = found.sub_(targets)
    if loss == "l1":
        return error.abs().mean((1, 2)), error.sign_().div_(outputs * samples)
    return error.square().mean((1, 2)), error.mul_(2 / (outputs * samples))
