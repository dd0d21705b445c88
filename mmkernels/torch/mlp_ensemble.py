"""An ensemble of small networks trained by PyTorch, on any of its devices.

What :func:`mmkernels.mlp_ensemble.fit` does, as well as a framework can do it: networks of one
shape are stacked and every operation serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from ..mlp_ensemble import FittedNetwork, Network, TrainingData, batch_order
from ..mlp_ensemble._checks import Plan, checked
from .stacked_networks import StackedNetworks, loss_and_error

# Activations of one step: what caches hold, or enough for a device to be busy.
_STEP_BYTES_OF_CPU, _STEP_BYTES_OF_DEVICE = 2**23, 2**31
_LEAST_VALIDATION_SLICE = 512


def fit_stacked(
    networks: Sequence[Network],
    data: TrainingData | Sequence[TrainingData],
    *,
    loss: str = "cross_entropy",
    batch_size: int = 512,
    clip: float = 8.0,
    initial: Sequence[np.ndarray] | None = None,
    record_steps: int = 0,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] | None = None,
) -> list[FittedNetwork]:
    """:func:`mmkernels.mlp_ensemble.fit` in stacked PyTorch operations; arguments as there.

    Networks of equal depth, width, activation, and sizes of data are trained together, as many at
    once as fill 8 MiB with activations, on a device 2 GiB. Float32; the products follow
    ``torch.backends``, whose default is not to round to TF32.

    Cost: a step of a stack is 4 operations per layer and some 30 more, whatever the number of
    networks; per network and layer it multiplies 3 width^2 batch numbers and reads or writes some
    10 width batch. One wait for the device per epoch. Memory: beside a step's activations, the
    data sets of the stack and 8 bytes per sample and order.

    Raises what :func:`mmkernels.mlp_ensemble.fit` raises, and what PyTorch raises of its devices.

    >>> from mmkernels.mlp_ensemble import Network, TrainingData
    >>> x = np.random.default_rng(0).standard_normal((400, 2)).astype(np.float32)
    >>> y = (x[:, 0] > x[:, 1]).astype(int)
    >>> data = TrainingData(x[:300], y[:300], x[300:], y[300:], outputs=2)
    >>> best = fit_stacked([Network(2, learning_rate=0.01, epochs=20)], data, batch_size=50)[0]
    >>> bool(best.valid_score.max() > 0.95)
    True
    """
    plan = checked(networks, data, loss, batch_size, clip, initial, record_steps)
    device = torch.device(device)
    fitted: dict[int, FittedNetwork] = {}
    for members in _stacks(plan, device):
        training = _Training([plan.networks[index] for index in members], plan, device)
        start = np.stack([plan.initial[index] for index in members])
        for ended in training.run(start):
            fitted.update((members[place], result) for place, result in ended)
            if progress is not None:
                progress(len(fitted))
    return [fitted[index] for index in range(len(plan.networks))]


def _stacks(plan: Plan, device: torch.device) -> Iterator[list[int]]:
    """Indices of the networks that are trained together, the longest training first."""
    networks = plan.networks

    def kind(index: int) -> tuple:
        network, own = networks[index], plan.data[networks[index].data]
        what = (network.depth, network.width, network.activation, network.slope)
        return *what, *own.inputs.shape, len(own.valid_inputs), own.outputs

    order = sorted(range(len(networks)), key=lambda index: (kind(index), -networks[index].epochs))
    for (depth, width, _, _, n, inputs, m, outputs), group in groupby(order, kind):
        batch = min(plan.batch_size, n)
        rows = 2 * (depth * width + outputs) + inputs  # activations and errors of a sample
        step_bytes = 4 * rows * max(batch, min(_LEAST_VALIDATION_SLICE, m))
        budget = _STEP_BYTES_OF_CPU if device.type == "cpu" else _STEP_BYTES_OF_DEVICE
        most = max(1, budget // step_bytes)
        members = list(group)
        for start in range(0, len(members), most):
            yield members[start : start + most]


class _Training:
    """One stack of networks, from the first epoch to the last."""

    def __init__(self, networks: list[Network], plan: Plan, device: torch.device):
        used = sorted({network.data for network in networks})
        sets = [plan.data[index] for index in used]
        self.networks, self.device = networks, device
        self.loss, self.record_steps, self._clip = plan.loss, plan.record_steps, plan.clip
        self.n, self.inputs = sets[0].inputs.shape
        self.outputs = sets[0].outputs
        self.batch = min(plan.batch_size, self.n)
        self.starts = range(0, self.n, self.batch)
        self._row_of_data = {index: row for row, index in enumerate(used)}
        self._train = self._moved([(own.inputs, own.targets) for own in sets])
        self._valid = self._moved([(own.valid_inputs, own.valid_targets) for own in sets])

    def _moved(self, sets: list[tuple[np.ndarray, np.ndarray]]) -> tuple[Tensor, Tensor]:
        """(sets, n, inputs) and (sets, n, 1) classes or (sets, n, outputs) values."""
        x, y = (np.stack(arrays) for arrays in zip(*sets, strict=True))
        y = y.reshape(*x.shape[:2], -1)
        return torch.from_numpy(x).to(self.device), torch.from_numpy(y).to(self.device)

    @torch.no_grad()
    def run(self, start: np.ndarray) -> Iterator[list[tuple[int, FittedNetwork]]]:
        """Yields those that are trained, with their places, whenever there are any."""
        parameters = torch.from_numpy(start).to(self.device)
        stack = StackedNetworks(self.networks, self.inputs, parameters.clone(), self.outputs)
        pairs = zip(self.networks, start, strict=True)
        records = [_Record(network, self, own) for network, own in pairs]
        places = list(range(len(self.networks)))
        epoch = 0
        while places:
            losses = self._epoch(stack, epoch)
            valid_losses, scores = self._validate(stack)
            improved, over = [], []
            for row, place in enumerate(places):
                record = records[place]
                if record.add(losses[:, row], valid_losses[row], scores[row]):
                    improved.append(row)
                if record.is_over:
                    over.append(row)
            for row, own in zip(improved, stack.parameters[improved].cpu().numpy(), strict=True):
                records[places[row]].parameters = own
            epoch += 1
            if over:
                yield [(places[row], records[places[row]].result()) for row in over]
                left = [row for row in range(len(places)) if row not in set(over)]
                places = [places[row] for row in left]
                stack.keep(left)

    def _epoch(self, stack: StackedNetworks, epoch: int) -> np.ndarray:
        """(steps, networks) losses of the batches."""
        x, y = self._train
        orders = sorted({network.order for network in stack.networks})
        visited = torch.from_numpy(np.stack([batch_order(own, epoch, self.n) for own in orders]))
        visited = visited.to(self.device)
        row_of_order = {order: row for row, order in enumerate(orders)}
        order_rows = self._rows(row_of_order[network.order] for network in stack.networks)
        first_samples = self._data_rows(stack)[:, None] * self.n
        losses = []
        for start in self.starts:
            samples = visited[order_rows, start : start + self.batch] + first_samples
            batch = x.flatten(0, 1)[samples].mT.contiguous()
            targets = y.flatten(0, 1)[samples].mT.contiguous()
            losses.append(stack.step(batch, targets, self.loss, self._clip))
        return torch.stack(losses).cpu().numpy()

    def _validate(self, stack: StackedNetworks) -> tuple[np.ndarray, np.ndarray]:
        """(networks,) float64 mean losses and scores of the validation samples."""
        x, y = self._valid
        rows = self._data_rows(stack)
        m = x.shape[1]
        size = max(self.batch, _LEAST_VALIDATION_SLICE)
        losses, scores, sizes = [], [], []
        for start in range(0, m, size):
            targets = y[rows, start : start + size].mT
            found = stack.predict(x[rows, start : start + size].mT)
            if self.loss == "cross_entropy":
                # Counted: means of slices would round, and equal accuracies would not be equal.
                score = (found.argmax(1, keepdim=True) == targets).sum((1, 2)).float()
            else:
                score = (found - targets).abs().mean((1, 2)) * targets.shape[2]
            scores.append(score)
            losses.append(loss_and_error(found, targets, self.loss)[0])
            sizes.append(targets.shape[2])
        both = torch.stack([torch.stack(losses), torch.stack(scores)])
        loss, score = both.cpu().numpy().astype(np.float64)
        return np.asarray(sizes) @ loss / m, score.sum(axis=0) / m

    def _data_rows(self, stack: StackedNetworks) -> Tensor:
        return self._rows(self._row_of_data[network.data] for network in stack.networks)

    def _rows(self, values: Iterable[int]) -> Tensor:
        return torch.tensor(list(values), device=self.device)


class _Record:
    """What is known of one network while it is trained."""

    def __init__(self, network: Network, training: _Training, start: np.ndarray):
        self.network, self.training = network, training
        self.parameters = start
        self.best_epoch, self.epoch, self.diverged = 0, 0, None
        self.train_loss, self.valid_loss, self.valid_score = np.full((3, network.epochs), np.nan)
        steps = min(training.record_steps, network.epochs * len(training.starts))
        self.step_losses = np.full(steps, np.nan, np.float32)

    @property
    def is_over(self) -> bool:
        return self.diverged is not None or self.epoch == self.network.epochs

    def add(self, losses: np.ndarray, valid_loss: float, score: float) -> bool:
        """Note an epoch; whether its parameters are the best so far."""
        training, epoch = self.training, self.epoch
        broken = np.flatnonzero(~np.isfinite(losses))
        recorded = self.step_losses[epoch * len(losses) :][: len(losses)]
        met = min(len(recorded), broken[0] + 1 if broken.size else len(losses))
        recorded[:met] = losses[:met]
        self.epoch += 1
        if broken.size or not np.isfinite(valid_loss):
            self.diverged = self.epoch
            return False
        sizes = np.minimum(training.n - np.asarray(training.starts), training.batch)
        self.train_loss[epoch] = losses.astype(np.float64) @ sizes / training.n
        self.valid_loss[epoch], self.valid_score[epoch] = valid_loss, score
        best = self.valid_score[self.best_epoch - 1] if self.best_epoch else None
        higher = training.loss == "cross_entropy"
        if best is None or (score > best if higher else score < best):
            self.best_epoch = self.epoch
            return True
        return False

    def result(self) -> FittedNetwork:
        training = self.training
        return FittedNetwork(
            network=self.network,
            inputs=training.inputs,
            outputs=training.outputs,
            parameters=np.array(self.parameters),
            best_epoch=self.best_epoch,
            train_loss=self.train_loss,
            valid_loss=self.valid_loss,
            valid_score=self.valid_score,
            step_losses=self.step_losses,
            diverged=self.diverged,
        )
