"""For libraries that compare layers of models: models whose one layer hands out given rows."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from .peer import tensors

BATCH = 64


def models(x: np.ndarray, y: np.ndarray):
    """Two models that map the number of a sample to its row of x and of y; layer "rows"."""
    from torch import nn

    return [
        nn.Sequential(OrderedDict(rows=nn.Embedding.from_pretrained(rows)))
        for rows in tensors(x, y)
    ]


def numbers(n: int, batch: int | None = None):
    """Batches of ([sample numbers], nothing); all at once unless a size is given."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    samples = torch.arange(n)
    return DataLoader(TensorDataset(samples, samples), batch_size=batch or n)
