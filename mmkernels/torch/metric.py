"""Linear CKA as a torchmetrics ``Metric``: exact over batches and over processes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

import mmkernels
from mmkernels._warn import warn


class LinearCKA(Metric):
    """:func:`mmkernels.cka` of all samples that all processes have seen, exact.

    Parameters
    ----------
    features_x, features_y : the widths d_x and d_y, which every process must know before it has
        seen a sample.
    unbiased : as in :func:`mmkernels.cka`.
    kwargs : those of ``torchmetrics.Metric``.

    ``update(x, y)`` takes (b, d_x) and (b, d_y) tensors of any real type, b >= 0. ``compute()``
    gives a float64 scalar; NaN, with a warning, where a side is constant or where fewer samples
    were seen than the estimate needs (4, biased 2), so that ``forward`` on a short last batch does
    not end an epoch. The whole remembers that batch all the same.

    The one state is a vector with everything that :class:`mmkernels.LinearCKA` remembers. It is
    not summed over processes: sums about a common point lose digits as soon as the samples lie far
    from it, and no point is known to all processes beforehand. Instead the vectors are gathered,
    and the reduction moves each to the common mean exactly before it adds them; processes may have
    seen any numbers of batches, or none. ``forward``, ``merge_state``, ``reset`` and
    ``state_dict`` (with ``persistent(True)``) use the same reduction.

    Batches are computed on the CPU, wherever the metric is. Memory and cost: those of
    :class:`mmkernels.LinearCKA`, and one vector for each process while they are gathered.

    >>> draw = torch.Generator().manual_seed(0)
    >>> metric = LinearCKA(3, 3)
    >>> for size in (10, 1, 7):
    ...     x = torch.randn(size, 3, generator=draw)
    ...     metric.update(x, 2 * x + 1)
    >>> round(metric.compute().item(), 6)
    1.0
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    moments: Tensor

    def __init__(
        self, features_x: int, features_y: int, unbiased: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        for name, width in (("features_x", features_x), ("features_y", features_y)):
            if not isinstance(width, int) or width < 1:
                raise ValueError(f"{name} must be a positive integer; it is {width!r}.")
        self.features_x, self.features_y, self.unbiased = features_x, features_y, unbiased
        layout = _Layout(features_x, features_y)
        self.add_state(
            "moments",
            default=torch.zeros(layout.size, dtype=torch.float64),
            dist_reduce_fx=layout.merged,
        )
        self._layout = layout

    def update(self, x: Tensor, y: Tensor) -> None:
        """Add a batch of paired samples."""
        for name, z, width in (("x", x, self.features_x), ("y", y, self.features_y)):
            if z.ndim != 2 or z.shape[1] != width:
                raise ValueError(
                    f"{name} must have shape (n_samples, {width}); its shape is {tuple(z.shape)}."
                )
        score = self._layout.unpacked(self.moments)
        score.update(x.detach().cpu(), y.detach().cpu())
        self.moments = self._layout.packed(score).to(self.moments.device)

    def compute(self) -> Tensor:
        """The score of all samples so far."""
        score = self._layout.unpacked(self.moments)
        least = 4 if self.unbiased else 2
        if score.count < least:
            warn(
                f"LinearCKA needs at least {least} samples for this estimate and has seen "
                f"{score.count}: the score is NaN."
            )
            value = float("nan")
        else:
            value = float(score.compute(unbiased=self.unbiased))
        return torch.tensor(value, dtype=torch.float64, device=self.moments.device)


class _Layout:
    """The state of a :class:`mmkernels.LinearCKA` as one vector; zeros where no sample was seen."""

    def __init__(self, d_x: int, d_y: int):
        self.shapes = {
            "count": (), "unit_x": (), "unit_y": (), "mean_x": (d_x,), "mean_y": (d_y,),
            "xx": (d_x + 2, d_x + 2), "xy": (d_x + 2, d_y + 2), "yy": (d_y + 2, d_y + 2),
        }  # fmt: skip
        self.sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        self.size = sum(self.sizes)

    def packed(self, score: mmkernels.LinearCKA) -> Tensor:
        state = score.state_dict()
        if not state:
            return torch.zeros(self.size, dtype=torch.float64)
        values = [np.asarray(state[name], np.float64).ravel() for name in self.shapes]
        return torch.from_numpy(np.concatenate(values))

    def unpacked(self, vector: Tensor) -> mmkernels.LinearCKA:
        if vector.dtype != torch.float64:
            raise TypeError(
                f"The state of LinearCKA must stay float64; something made it {vector.dtype}."
            )
        score = mmkernels.LinearCKA()
        values = np.split(vector.detach().cpu().numpy(), np.cumsum(self.sizes)[:-1])
        if values[0] > 0:
            score.load_state_dict(
                {
                    name: value.reshape(shape)
                    for (name, shape), value in zip(self.shapes.items(), values, strict=True)
                }
            )
        return score

    def merged(self, vectors: Tensor) -> Tensor:
        """One vector for those of several processes, (processes, size); in their order."""
        score = mmkernels.LinearCKA()
        for vector in vectors:
            score.merge(self.unpacked(vector))
        return self.packed(score).to(vectors.device)
