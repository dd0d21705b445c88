"""Computing one encoder cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..encoders import Classifier, build_encoder
from ..training import ViewData, accuracy, fit, represent, reproducible
from ..training.represent import loss
from .cell import EncoderCell


def train_encoder(
    cell: EncoderCell,
    data: ViewData,
    device: torch.device,
    on_epoch: Callable[[int], None] | None = None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train the cell's encoder; return what the store keeps of it, as JSON content and arrays.

    JSON: the cell, parameters, best_epoch, history, accuracy and number of samples per split, and
    of a regression the mean absolute_error, all of the best epoch. Arrays, of the test split:
    ``layer_1`` .. (m, width) float32, ``logits`` (m, n_classes) float32, ``predictions`` (m,) (the
    class, or the value of a regression) and ``samples`` (m,) int64, row numbers of the dataset. On
    one machine and device kind, equal cells and data give equal bytes.
    """
    data = data.to(device)
    with reproducible(cell.stream, device):
        # Weights are drawn on the CPU, so that they are the same on every device.
        encoder = build_encoder(cell.encoder, data.sample_shape, cell.depth, **cell.options)
        classifier = Classifier(encoder, data.n_classes).to(device)
        order = torch.Generator().manual_seed(cell.stream ^ 1)
        fitted = fit(
            classifier, data, cell.settings, order=order, name=f"the {cell}", on_epoch=on_epoch
        )
        accuracies, errors = {}, {}
        for split in ("train", "valid", "test"):
            logits, layers = represent(classifier, data, data.splits[split])
            labels = data.labels[data.splits[split]]
            accuracies[split] = accuracy(logits, labels, data.task)
            errors[split] = float(loss(logits, labels, data.task))
    # The test split came last: its logits and layers are the ones to keep.
    arrays = {
        f"layer_{number}": layer.cpu().numpy().astype(np.float32, copy=False)
        for number, layer in enumerate(layers, start=1)
    }
    arrays["logits"] = logits.cpu().numpy()
    regression = data.task == "regression"
    arrays["predictions"] = (logits[:, 0] if regression else logits.argmax(dim=1)).cpu().numpy()
    arrays["samples"] = data.splits["test"].cpu().numpy()
    meta = {
        "cell": cell.describe(),
        "parameters": sum(parameter.numel() for parameter in classifier.parameters()),
        "best_epoch": fitted.best_epoch,
        "history": fitted.history,
        "accuracy": accuracies,
        "samples": {split: len(rows) for split, rows in data.splits.items()},
    }
    if regression:
        meta["absolute_error"] = errors
    return meta, arrays
