"""Gradient descent with the best epoch kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..encoders import Classifier
from ..errors import UserError
from .represent import accuracy, hits, loss, represent
from .view import ViewData


class TrainingDiverged(UserError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class TrainingSettings:
    """AdamW with PyTorch's other defaults, the loss of the task, no schedule, no early stopping.

    clip: largest Euclidean norm of all gradients together; longer ones are scaled down to it.
    """

    epochs: int
    learning_rate: float
    weight_decay: float = 0.0
    batch_size: int = 64
    clip: float = 8.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UserError(f"{name} must be an integer of at least 1, got {value!r}.")
        for name in ("learning_rate", "clip"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UserError(f"{name} must be a positive number, got {value!r}.")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise UserError(
                f"weight_decay must be zero or a positive number, got {self.weight_decay!r}."
            )


@dataclass(frozen=True)
class Fitted:
    """What training left behind; the classifier holds the weights of ``best_epoch``.

    best_epoch: counted from 1; the first with the highest validation accuracy.
    history:    per epoch, lists of equal length: "train_loss" and "train_accuracy" (means over
                the epoch, dropout on), "valid_loss" and "valid_accuracy" (after it).
    """

    best_epoch: int
    history: dict[str, list[float]]


class Optimisation:
    """A classifier on its way: one AdamW step at a time over batches of rows."""

    def __init__(self, classifier: Classifier, data: ViewData, settings: TrainingSettings) -> None:
        self.classifier = classifier
        self.data = data
        self.settings = settings
        self.parameters = list(classifier.parameters())
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )

    def step(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Take one step on ``rows``; return the mean loss and the number of hits, as scalars."""
        labels = self.data.labels[rows]
        padding = None if self.data.padding is None else self.data.padding[rows]
        logits, _ = self.classifier(self.data.inputs[rows], padding)
        batch_loss = loss(logits, labels, self.data.task)
        self.optimizer.zero_grad(set_to_none=True)
        batch_loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        self.optimizer.step()
        return batch_loss.detach(), hits(logits.detach(), labels, self.data.task)

    def epoch(self, order: torch.Generator) -> tuple[float, float]:
        """Visit the split "train" once in a random order; return mean loss and accuracy."""
        self.classifier.train()
        train = self.data.splits["train"]
        loss_sum = torch.zeros((), dtype=torch.float64, device=train.device)
        right = torch.zeros((), dtype=torch.int64, device=train.device)
        shuffled = train[torch.randperm(len(train), generator=order).to(train.device)]
        for rows in shuffled.split(self.settings.batch_size):
            batch_loss, batch_hits = self.step(rows)
            loss_sum += batch_loss * len(rows)
            right += batch_hits
        # The two sums are read once an epoch: reading them every step would stall a GPU.
        return float(loss_sum) / len(train), int(right) / len(train)


def fit(
    classifier: Classifier,
    data: ViewData,
    settings: TrainingSettings,
    *,
    order: torch.Generator,
    name: str,
    on_epoch: Callable[[int], None] | None = None,
) -> Fitted:
    """Train on the split "train" and keep the epoch of highest accuracy on "valid".

    order:    CPU generator of the batch order; dropout draws from torch's default generator.
    name:     how an error names this training.
    on_epoch: called with the number of epochs done.

    The checkpoint changes only where validation accuracy is strictly higher. Raises
    TrainingDiverged, with the epoch, when a training or validation loss is not finite.
    """
    optimisation = Optimisation(classifier, data, settings)
    best_accuracy, best_epoch, best_state = -1.0, 0, {}
    history: dict[str, list[float]] = {
        key: [] for key in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    valid_labels = data.labels[data.splits["valid"]]
    for epoch in range(1, settings.epochs + 1):
        train_loss, train_accuracy = optimisation.epoch(order)
        logits, _ = represent(classifier, data, data.splits["valid"])
        valid_loss = float(loss(logits, valid_labels, data.task))
        for which, value in (("training", train_loss), ("validation", valid_loss)):
            if not math.isfinite(value):
                raise TrainingDiverged(
                    f"The {which} loss of {name} became {value} in epoch {epoch} of "
                    f"{settings.epochs}; try a learning rate below {settings.learning_rate:g}."
                )
        valid_accuracy = accuracy(logits, valid_labels, data.task)
        row = (train_loss, train_accuracy, valid_loss, valid_accuracy)
        for values, value in zip(history.values(), row, strict=True):
            values.append(value)
        if valid_accuracy > best_accuracy:
            best_accuracy, best_epoch = valid_accuracy, epoch
            best_state = {key: value.clone() for key, value in classifier.state_dict().items()}
        if on_epoch is not None:
            on_epoch(epoch)
    classifier.load_state_dict(best_state)
    return Fitted(best_epoch, history)
