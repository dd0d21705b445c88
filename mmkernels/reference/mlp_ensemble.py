"""Training one multi-layer perceptron: what every back end of mmkernels.mlp_ensemble does."""

from __future__ import annotations

import numpy as np

from ..mlp_ensemble import FittedNetwork, batch_order

_DECAY, _SQUARE_DECAY, _BESIDE_ROOT = 0.9, 0.999, 1e-8  # of AdamW
_BESIDE_NORM = 1e-6  # of the clip


def train(network, data, parameters, *, loss="cross_entropy", batch_size=512, clip=8.0):
    """The network after its training from `parameters`, with the losses of all its steps."""
    parameters = np.array(parameters, np.float64)
    inputs, valid_inputs = (np.asarray(x, np.float64) for x in (data.inputs, data.valid_inputs))
    targets, valid_targets = np.asarray(data.targets), np.asarray(data.valid_targets)
    shapes = list(network.shapes(inputs.shape[1], data.outputs))
    histories = np.full((3, network.epochs), np.nan)
    mean, square = np.zeros_like(parameters), np.zeros_like(parameters)
    step_losses, kept, best_epoch, best, diverged = [], parameters.copy(), 0, -np.inf, None
    for epoch in range(network.epochs):
        order = batch_order(network.order, epoch, len(inputs))
        losses = np.zeros(len(inputs))
        for first in range(0, len(inputs), batch_size):
            batch = order[first : first + batch_size]
            value, gradient = loss_and_gradient(
                network, shapes, parameters, inputs[batch], targets[batch], loss
            )
            losses[batch] = value
            step_losses.append(value)
            gradient *= min(1, clip / (np.linalg.norm(gradient) + _BESIDE_NORM))
            mean = _DECAY * mean + (1 - _DECAY) * gradient
            square = _SQUARE_DECAY * square + (1 - _SQUARE_DECAY) * gradient**2
            steps = len(step_losses)
            root = np.sqrt(square / (1 - _SQUARE_DECAY**steps)) + _BESIDE_ROOT
            parameters *= 1 - network.learning_rate * network.weight_decay
            parameters -= network.learning_rate * mean / (1 - _DECAY**steps) / root
        valid_loss, score = judge(
            forward(network, shapes, parameters, valid_inputs)[-1], valid_targets, loss
        )
        if not np.isfinite([losses.mean(), valid_loss]).all():
            diverged = epoch + 1
            break
        histories[:, epoch] = losses.mean(), valid_loss, score
        merit = score if loss == "cross_entropy" else -score
        if merit > best:
            best, best_epoch, kept = merit, epoch + 1, parameters.copy()
    return FittedNetwork(
        network, inputs.shape[1], data.outputs, kept, best_epoch, *histories,
        np.array(step_losses), diverged,
    )  # fmt: skip


def layers(shapes, parameters):
    """(weight, bias) of every layer; views."""
    start = 0
    for units, inputs in shapes:
        end = start + units * (inputs + 1)
        yield parameters[start : end - units].reshape(units, inputs), parameters[end - units : end]
        start = end


def forward(network, shapes, parameters, x):
    """The samples, what each activation makes of them, and the predictions."""
    values = [x]
    for weight, bias in layers(shapes, parameters):
        values.append(values[-1] @ weight.T + bias)
        if len(values) <= network.depth + 1:
            values[-1] = activate(network, values[-1])
    return values


def activate(network, x):
    if network.activation == "tanh":
        return np.tanh(x)
    return np.where(x > 0, x, slope_of(network) * x)


def slope_of(network):
    return network.slope if network.activation == "leaky_relu" else 0.0


def derivative(network, value):
    """Of the activation, where it took that value."""
    if network.activation == "tanh":
        return 1 - value**2
    return np.where(value > 0, 1.0, slope_of(network))


def loss_and_gradient(network, shapes, parameters, x, targets, loss):
    """The mean loss of a batch and its derivative by every parameter."""
    *values, predicted = forward(network, shapes, parameters, x)
    if loss == "cross_entropy":
        error = np.exp(log_softmax(predicted))
        error[np.arange(len(x)), targets] -= 1
        error /= len(x)
    elif loss == "l1":
        error = np.sign(predicted - targets) / predicted.size
    else:
        error = 2 * (predicted - targets) / predicted.size
    parts = []
    for (weight, _), value in zip(
        reversed(list(layers(shapes, parameters))), reversed(values), strict=True
    ):
        parts.append(np.concatenate([(error.T @ value).ravel(), error.sum(axis=0)]))
        error = error @ weight * derivative(network, value)
    return judge(predicted, targets, loss)[0], np.concatenate(parts[::-1])


def log_softmax(logits):
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def judge(predicted, targets, loss):
    """The mean loss, and the accuracy or the mean absolute error."""
    if loss == "cross_entropy":
        right = predicted.argmax(axis=1) == targets
        return -log_softmax(predicted)[np.arange(len(targets)), targets].mean(), right.mean()
    distance = np.abs(predicted - targets)
    return (distance if loss == "l1" else distance**2).mean(), distance.mean()
