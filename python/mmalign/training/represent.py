"""Running a trained classifier over samples."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..encoders import Classifier
from .view import ViewData

BATCH = 512


def represent(classifier: Classifier, data: ViewData, rows: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return logits (m, n_classes) and every layer's representation (m, width) of some rows.

    Evaluation mode, no gradients, batches of 512; float32 on the device of the data.
    """
    was_training = classifier.training
    classifier.eval()
    logits, layers = [], []
    with torch.no_grad():
        for chunk in rows.split(BATCH):
            padding = None if data.padding is None else data.padding[chunk]
            batch_logits, batch_layers = classifier(data.inputs[chunk], padding)
            logits.append(batch_logits)
            layers.append(batch_layers)
    classifier.train(was_training)
    return torch.cat(logits), [torch.cat(parts) for parts in zip(*layers, strict=True)]


def accuracy(outputs: Tensor, labels: Tensor, task: str = "classification") -> float:
    """Share of samples that are put right: the class, or in a regression the sign.

    outputs, labels: (m, n_classes) and (m,) int64; the largest logit decides, the first of equals.
                     In a regression (m, 1) and (m,) floats: both above zero, or neither, as in
                     the published evaluation of sentiment ("posneg").
    """
    return int(hits(outputs, labels, task)) / len(labels)


def hits(outputs: Tensor, labels: Tensor, task: str) -> Tensor:
    """Return how many samples :func:`accuracy` counts, as a scalar on their device."""
    if task == "regression":
        return ((outputs[:, 0] > 0) == (labels > 0)).sum()
    return (outputs.argmax(dim=1) == labels).sum()


def loss(outputs: Tensor, labels: Tensor, task: str) -> Tensor:
    """Return what training makes small: cross-entropy, or in a regression the absolute error."""
    if task == "regression":
        return functional.l1_loss(outputs[:, 0], labels)
    return functional.cross_entropy(outputs, labels)
