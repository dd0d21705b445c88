"""Training an ensemble."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from .. import cuda
from .._native import _cpu
from ._checks import Plan, checked
from ._fitted import FittedNetwork
from ._networks import Network, TrainingData


def fit(
    networks: Sequence[Network],
    data: TrainingData | Sequence[TrainingData],
    *,
    loss: str = "cross_entropy",
    batch_size: int = 512,
    clip: float = 8.0,
    initial: Sequence[np.ndarray] | None = None,
    record_steps: int = 0,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> list[FittedNetwork]:
    """Train every network on its data, each as it would be trained alone.

    networks:     any mix of depths, widths, activations, rates, seeds and data sets.
    data:         one data set, or several that ``Network.data`` counts from 0.
    loss:         "cross_entropy" of classes, "l1" or "mse" of values: the mean over the samples of
                  a batch, and over the outputs.
    batch_size:   samples of a step; the last batch of an epoch may be smaller.
    clip:         the gradient of a network is scaled to at most this norm.
    initial:      per network the float32 parameters it starts from, as in
                  :attr:`FittedNetwork.parameters`; by default ``Network.initial_parameters``.
    record_steps: how many first steps' losses to keep per network.
    device:       "cpu", or "cuda" or "cuda:N" for :mod:`mmkernels.cuda`, and where that is not
                  available for PyTorch (:func:`mmkernels.torch.mlp_ensemble.fit_stacked`).
    progress:     called with the number of networks that are done, now and then, from this thread.

    An epoch e visits the samples in :func:`batch_order` of e. Each step scales the gradient g by
    min(1, clip / (|g| + 1e-6)) and gives it to AdamW (Loshchilov and Hutter 2019). After each epoch
    the validation samples are predicted; the parameters kept are those of the first epoch with the
    highest accuracy, or the lowest mean absolute error. A network whose loss is not finite is
    stopped, and the others go on.

    On the CPU in float32, sums of a batch in a fixed order: equal bits in every run, for any number
    of threads, and whatever other networks are trained with. Threads take whole networks, the
    longest first. Cost: about 6 n width (inputs + width (depth - 1) + outputs) operations per epoch
    of a network. Memory, per thread: a copy of the data set at hand, 4 bytes per sample, and some
    80 bytes per parameter.

    Raises ValueError or TypeError for what cannot be trained: shapes that do not fit, a value that
    is not finite, a class out of range, a data set that is not there.

    >>> x = np.random.default_rng(0).standard_normal((500, 2)).astype(np.float32)
    >>> y = (x[:, 0] > x[:, 1]).astype(int)
    >>> data = TrainingData(x[:400], y[:400], x[400:], y[400:], outputs=2)
    >>> best = fit([Network(depth=2, learning_rate=0.01, epochs=20)], data, batch_size=50)[0]
    >>> bool(best.valid_score.max() > 0.95)
    True
    """
    plan = checked(networks, data, loss, batch_size, clip, initial, record_steps)
    if device == "cpu":
        return _fit_native(plan, progress)
    found = re.fullmatch(r"cuda(?::(\d+))?", device) if isinstance(device, str) else None
    if not found:
        raise ValueError(f"device must be 'cpu', 'cuda' or 'cuda:N'; it is {device!r}.")
    if cuda.is_available():
        from ..cuda.mlp_ensemble import fit as fit_there

        there: str | int = int(found[1] or 0)
    else:
        from ..torch.mlp_ensemble import fit_stacked as fit_there

        there = device
    return fit_there(
        plan.networks,
        plan.data,
        loss=plan.loss,
        batch_size=plan.batch_size,
        clip=plan.clip,
        initial=plan.initial,
        record_steps=plan.record_steps,
        device=there,
        progress=progress,
    )


def _fit_native(plan: Plan, progress: Callable[[int], None] | None) -> list[FittedNetwork]:
    found = _cpu.train_mlp_ensemble(
        plan.networks,
        plan.data,
        plan.initial,
        plan.loss,
        plan.batch_size,
        plan.clip,
        plan.record_steps,
        progress,
    )
    return [
        FittedNetwork(
            network,
            plan.data[network.data].inputs.shape[1],
            plan.data[network.data].outputs,
            *fitted,
            diverged or None,
        )
        for network, (*fitted, diverged) in zip(plan.networks, found, strict=True)
    ]
