"""Data for small networks, and the plain PyTorch loop over one of them."""

from __future__ import annotations

import numpy as np
import torch

from mmkernels.mlp_ensemble import TrainingData, batch_order

ACTIVATIONS = {
    "leaky_relu": lambda network: torch.nn.LeakyReLU(network.slope),
    "relu": lambda network: torch.nn.ReLU(),
    "tanh": lambda network: torch.nn.Tanh(),
}
LOSSES = {
    "cross_entropy": torch.nn.CrossEntropyLoss(),
    "l1": torch.nn.L1Loss(),
    "mse": torch.nn.MSELoss(),
}


def samples(loss, *, n=151, m=90, inputs=7, outputs=3, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((n + m, inputs)).astype(np.float32)
    values = np.tanh(x @ draw.standard_normal((inputs, outputs))) + 0.3 * draw.standard_normal(
        (n + m, outputs)
    )
    y = values.argmax(1) if loss == "cross_entropy" else values.astype(np.float32)
    return TrainingData(x[:n], y[:n], x[n:], y[n:], outputs)


def trained_alone(network, data, loss, *, batch_size, clip=8.0):
    """(losses of all steps, validation losses, scores, parameters of the best epoch)."""
    inputs = data.inputs.shape[1]
    layers = []
    for units, own in network.shapes(inputs, data.outputs):
        layers += [torch.nn.Linear(own, units), ACTIVATIONS[network.activation](network)]
    model = torch.nn.Sequential(*layers[:-1])
    start = torch.from_numpy(network.initial_parameters(inputs, data.outputs))
    torch.nn.utils.vector_to_parameters(start, model.parameters())
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=network.learning_rate, weight_decay=network.weight_decay
    )
    x, y, valid_x, valid_y = (
        torch.from_numpy(np.asarray(part))
        for part in (data.inputs, data.targets, data.valid_inputs, data.valid_targets)
    )
    losses, valid_losses, scores, best = [], [], [], None
    for epoch in range(network.epochs):
        for batch in torch.from_numpy(batch_order(network.order, epoch, len(x))).split(batch_size):
            optimizer.zero_grad()
            value = LOSSES[loss](model(x[batch]), y[batch])
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            losses.append(value.item())
        with torch.no_grad():
            found = model(valid_x)
            valid_losses.append(LOSSES[loss](found, valid_y).item())
            if loss == "cross_entropy":
                scores.append((found.argmax(1) == valid_y).double().mean().item())
            else:
                scores.append(-(found - valid_y).abs().mean().item())
        if scores[-1] > max(scores[:-1], default=-np.inf):
            best = torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    return np.array(losses), np.array(valid_losses), np.abs(scores), best.numpy()
