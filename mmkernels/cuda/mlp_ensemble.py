"""An ensemble of small networks on a CUDA device: a block of threads for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from .._arrays import sentence
from .._checks import integer
from ..mlp_ensemble._checks import Plan, checked
from ..mlp_ensemble._fitted import FittedNetwork
from ..mlp_ensemble._networks import Network, TrainingData
from . import _module
from ._libraries import Library, any_library

_SIDE = 4  # rows of inputs are padded to a multiple of it
_LAUNCH_SECONDS = 0.2  # Ctrl-C and progress wait for a launch


def fit(
    networks: Sequence[Network],
    data: TrainingData | Sequence[TrainingData],
    *,
    loss: str = "cross_entropy",
    batch_size: int = 512,
    clip: float = 8.0,
    initial: Sequence[np.ndarray] | None = None,
    record_steps: int = 0,
    device: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[FittedNetwork]:
    """:func:`mmkernels.mlp_ensemble.fit` on a CUDA device; arguments as there but ``device``.

    A block of threads trains a network from its first epoch to its last, in launches of about a
    fifth of a second, or of one epoch where that takes longer; Ctrl-C is heard and ``progress``
    called between them. Float32 throughout; the same bits on every run on the same kind of device.

    device: the index of the device.

    Cost: a step reads a batch and reads and writes two moments of each parameter in device memory.
    All else is in shared memory, as long as the parameters, their gradient and the activations of
    32 samples fit into 98 KiB: of 12 inputs and 4 outputs up to depth 34 at width 12, 22 at width
    16 and 7 at width 32. Larger networks are trained wholly in device memory, which is slower.
    Device memory: the samples, and per network 4 bytes per training sample, 16 per parameter and
    24 per epoch; it comes from PyTorch or CuPy.

    Raises what :func:`mmkernels.mlp_ensemble.fit` raises, RuntimeError where CUDA cannot be used,
    and MemoryError where device memory does not suffice.
    """
    plan = checked(networks, data, loss, batch_size, clip, initial, record_steps)
    return train(plan, integer("device", device), progress)


def train(plan: Plan, device: int, progress: Callable[[int], None] | None) -> list[FittedNetwork]:
    """What :func:`fit` does with arguments that are checked."""
    module = _module.require_any()
    if not plan.networks:
        return []
    training = _Training(module, any_library(), plan, device)
    training.run(progress)
    return training.results()


class _Training:
    """Networks on a device, and their samples."""

    def __init__(self, module: Any, library: Library, plan: Plan, device: int):
        self._library, self._plan, self._device = library, plan, device
        # Of rows enough for any of the data sets; a larger batch is the same.
        rows = max(len(one.inputs) for one in plan.data)
        self._ensemble = module.MlpEnsemble(
            plan.loss, min(plan.batch_size, rows), plan.clip, plan.record_steps
        )
        self._kept: list[Any] = []  # what the device still reads
        used = sorted({network.data for network in plan.networks})
        places = {index: self._on_device(plan.data[index]) for index in used}
        for network in plan.networks:
            own = plan.data[network.data]
            self._ensemble.add(network, own.inputs.shape[1], own.outputs, *places[network.data])
        size = self._ensemble.bytes()
        memory = self._allocated(
            lambda: library.empty((size,), "uint8", device), size, "their training"
        )
        self._ensemble.start(device, library.pointer(memory), plan.initial, library.stream(device))

    def run(self, progress: Callable[[int], None] | None) -> None:
        networks, data = self._plan.networks, self._plan.data

        def work(index: int) -> int:
            return len(self._plan.initial[index]) * len(data[networks[index].data].inputs)

        # The longest first, so that the last of a launch are short.
        left = sorted(range(len(networks)), key=work, reverse=True)
        epochs = 1
        while left:
            start = perf_counter()
            before, left = len(left), self._ensemble.train(left, epochs)
            elapsed = perf_counter() - start
            if progress is not None and len(left) < before:
                progress(len(networks) - len(left))
            epochs = max(1, min(2 * epochs, int(epochs * _LAUNCH_SECONDS / elapsed)))

    def results(self) -> list[FittedNetwork]:
        found = []
        for index, network in enumerate(self._plan.networks):
            own = self._plan.data[network.data]
            *fitted, diverged = self._ensemble.result(index)
            found.append(
                FittedNetwork(
                    network, own.inputs.shape[1], own.outputs, *fitted, diverged=diverged or None
                )
            )
        return found

    def _on_device(self, data: TrainingData) -> list[tuple[int, int, int]]:
        """(samples, address of the inputs, address of the targets), to train and to validate on."""
        placed = []
        for inputs, targets in (
            (data.inputs, data.targets),
            (data.valid_inputs, data.valid_targets),
        ):
            rows = np.pad(inputs, ((0, 0), (0, -inputs.shape[1] % _SIDE)))
            if self._plan.loss == "cross_entropy":
                targets = targets.astype(np.int32)
            placed.append((len(rows), self._copied(rows), self._copied(targets)))
        return placed

    def _copied(self, values: np.ndarray) -> int:
        copied = self._allocated(
            lambda: self._library.from_host(values, self._device), values.nbytes, "their samples"
        )
        return self._library.pointer(copied)

    def _allocated(self, allocate: Callable[[], Any], size: int, purpose: str) -> Any:
        try:
            memory = allocate()
        except Exception as error:
            if not self._library.is_out_of_memory(error):
                raise
            raise MemoryError(
                f"{len(self._plan.networks)} networks need {size} bytes on cuda:{self._device} for "
                f"{purpose}, which {self._library.name} cannot allocate: {sentence(error)}"
            ) from error
        self._kept.append(memory)
        return memory
