"""What training needs of one view of a dataset, as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.paired import PairedDataset
from ..errors import UserError


@dataclass(frozen=True)
class ViewData:
    """One view: inputs (n, ...) float32, labels (n,), splits as row numbers, on one device.

    labels:  int64, or float32 in a regression, of which n_classes is 1.
    padding: None or (n, tokens) bool, True where a token is padding.
    """

    inputs: Tensor
    labels: Tensor
    splits: dict[str, Tensor]
    n_classes: int
    padding: Tensor | None = None
    task: str = "classification"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return tuple(self.inputs.shape[1:])

    def to(self, device: torch.device) -> ViewData:
        """Move every tensor to ``device``."""
        return ViewData(
            self.inputs.to(device),
            self.labels.to(device),
            {name: rows.to(device) for name, rows in self.splits.items()},
            self.n_classes,
            None if self.padding is None else self.padding.to(device),
            self.task,
        )


def view_data(dataset: PairedDataset, view: str) -> ViewData:
    """Take one view out of a dataset; raises UserError where it cannot be trained on."""
    if view not in dataset.views:
        raise UserError(
            f"The dataset {dataset.name!r} has no view {view!r}; it has {', '.join(dataset.views)}."
        )
    if len(dataset.splits["valid"]) == 0:
        raise UserError(
            f"The split 'valid' of {dataset.name!r} is empty, but the best epoch is chosen on it."
        )
    padding = dataset.padding.get(view)
    if padding is not None and padding.all(axis=1).any():
        raise UserError(
            f"The view {view!r} of {dataset.name!r} is nothing but padding in row "
            f"{int(padding.all(axis=1).argmax())}."
        )
    labels = (
        dataset.labels if dataset.task == "classification" else dataset.labels.astype(np.float32)
    )
    return ViewData(
        torch.from_numpy(np.ascontiguousarray(dataset.views[view], dtype=np.float32)),
        torch.from_numpy(labels),
        {name: torch.from_numpy(rows) for name, rows in dataset.splits.items()},
        dataset.n_classes,
        None if padding is None else torch.from_numpy(np.ascontiguousarray(padding)),
        dataset.task,
    )
