"""Running a trained classifier over samples."""

from __future__ import annotations

import torch
from torch import Tensor

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


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of samples whose largest logit is that of their label; the first of equal ones wins."""
    return int((logits.argmax(dim=1) == labels).sum()) / len(labels)
