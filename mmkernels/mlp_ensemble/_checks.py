"""What may be trained, and the sentences that say what may not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import integer, one_of
from ._networks import LOSSES, Network, TrainingData

_MOST_OUTPUTS = 32
_MOST_SAMPLES = 2**31 - 1


@dataclass(frozen=True)
class Plan:
    """A checked call of :func:`fit`.

    data:    of contiguous arrays: inputs float32 (n, d); targets int64 (n,) of a classification,
             float32 (n, outputs) of a regression.
    initial: per network the float32 vector it starts from, the caller's own never among them.
    """

    networks: list[Network]
    data: list[TrainingData]
    initial: list[np.ndarray]
    loss: str
    batch_size: int
    clip: float
    record_steps: int


def checked(
    networks: Sequence[Network],
    data: TrainingData | Sequence[TrainingData],
    loss: str,
    batch_size: int,
    clip: float,
    initial: Sequence[np.ndarray] | None,
    record_steps: int,
) -> Plan:
    """Raises ValueError or TypeError that names the argument and what is allowed."""
    one_of("loss", loss, LOSSES)
    batch_size = _at_least("batch_size", batch_size, 1)
    record_steps = _at_least("record_steps", record_steps, 0)
    networks = _listed("networks", networks, Network)
    sets = [data] if isinstance(data, TrainingData) else _listed("data", data, TrainingData)
    for i, network in enumerate(networks):
        if network.data >= len(sets):
            raise ValueError(
                f"networks[{i}] learns data set {network.data}, counted from 0; data holds "
                f"{len(sets)}."
            )
    sets = [_data(f"data[{i}]", one, loss) for i, one in enumerate(sets)]
    return Plan(
        networks, sets, _initial(initial, networks, sets), loss, batch_size, _clip(clip),
        record_steps,
    )  # fmt: skip


def _at_least(name: str, value: Any, least: int) -> int:
    value = integer(name, value)
    if not least <= value <= _MOST_SAMPLES:
        raise ValueError(f"{name} must be between {least} and {_MOST_SAMPLES}; it is {value}.")
    return value


def _clip(clip: float) -> float:
    clip = float(clip)
    if not clip > 0:
        raise ValueError(
            f"clip, the largest norm of a gradient, must be a positive number or infinity; it is "
            f"{clip!r}."
        )
    return clip


def _listed(name: str, values: Any, kind: type) -> list[Any]:
    try:
        values = list(values)
    except TypeError:
        raise TypeError(f"{name} must be a list of {kind.__name__}s; it is {values!r}.") from None
    for i, value in enumerate(values):
        if not isinstance(value, kind):
            raise TypeError(
                f"{name}[{i}] must be a {kind.__name__}; it is of type {type(value).__name__}."
            )
    return values


def _data(name: str, data: TrainingData, loss: str) -> TrainingData:
    outputs = integer(f"{name}.outputs", data.outputs)
    least = 2 if loss == "cross_entropy" else 1
    if not least <= outputs <= _MOST_OUTPUTS:
        raise ValueError(
            f"{name}.outputs must be between {least} and {_MOST_OUTPUTS} for the loss {loss!r}; it "
            f"is {outputs}."
        )
    inputs = _matrix(f"{name}.inputs", data.inputs)
    valid_inputs = _matrix(f"{name}.valid_inputs", data.valid_inputs)
    if valid_inputs.shape[1] != inputs.shape[1]:
        raise ValueError(
            f"{name}.inputs and {name}.valid_inputs must be equally wide; their shapes are "
            f"{inputs.shape} and {valid_inputs.shape}."
        )
    targets = _labels if loss == "cross_entropy" else _values
    return TrainingData(
        inputs,
        targets(f"{name}.targets", data.targets, len(inputs), outputs),
        valid_inputs,
        targets(f"{name}.valid_targets", data.valid_targets, len(valid_inputs), outputs),
        outputs,
    )


def _matrix(name: str, values: Any) -> np.ndarray:
    values = _numbers(name, values)
    if values.ndim != 2 or 0 in values.shape or len(values) > _MOST_SAMPLES:
        raise ValueError(
            f"{name} must be an (n, d) array of at least one sample and one feature; its shape is "
            f"{values.shape}."
        )
    return _finite(name, values)


def _labels(name: str, values: Any, n: int, classes: int) -> np.ndarray:
    values = _numbers(name, values)
    if values.shape != (n,):
        raise ValueError(
            f"{name} must be an ({n},) array, one class per sample; its shape is {values.shape}."
        )
    wrong = np.flatnonzero(~((values >= 0) & (values < classes) & (values == np.floor(values))))
    if wrong.size:
        raise ValueError(
            f"{name} must be whole numbers in 0 .. {classes - 1}; {name}[{wrong[0]}] is "
            f"{values[wrong[0]]}."
        )
    return np.ascontiguousarray(values, np.int64)


def _values(name: str, values: Any, n: int, outputs: int) -> np.ndarray:
    values = _numbers(name, values)
    if values.shape != (n, outputs):
        raise ValueError(
            f"{name} must be an ({n}, {outputs}) array, a row per sample; its shape is "
            f"{values.shape}."
        )
    return _finite(name, values)


def _numbers(name: str, values: Any) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of real numbers; its dtype is {values.dtype}.")
    return values


def _finite(name: str, values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(values, np.float32)
    # A sum is finite only of finite values, and takes no array of flags.
    if not np.isfinite(np.sum(values, dtype=np.float64)):
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise ValueError(f"{name} must be finite as float32 numbers; row {row} is not.")
    return values


def _initial(
    initial: Sequence[np.ndarray] | None, networks: list[Network], sets: list[TrainingData]
) -> list[np.ndarray]:
    widths = [
        (sets[network.data].inputs.shape[1], sets[network.data].outputs) for network in networks
    ]
    if initial is None:
        return [
            network.initial_parameters(*width)
            for network, width in zip(networks, widths, strict=True)
        ]
    if len(initial) != len(networks):
        raise ValueError(
            f"initial must hold a vector per network; it holds {len(initial)} for {len(networks)}."
        )
    return [
        _vector(f"initial[{i}]", vector, network, width)
        for i, (vector, network, width) in enumerate(zip(initial, networks, widths, strict=True))
    ]


def _vector(name: str, values: Any, network: Network, width: tuple[int, int]) -> np.ndarray:
    values = _numbers(name, values)
    length = sum(units * (inputs + 1) for units, inputs in network.shapes(*width))
    if values.shape != (length,):
        raise ValueError(
            f"{name} must be a vector of {length} numbers, per layer its weights by rows and its "
            f"biases; its shape is {values.shape}."
        )
    if not math.isfinite(float(np.sum(values, dtype=np.float64))):
        raise ValueError(f"{name} must be finite; it is not.")
    return values.astype(np.float32)
