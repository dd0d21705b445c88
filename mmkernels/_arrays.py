"""Arrays as callers have them: numpy, torch, or anything with ``__dlpack__``; nothing is copied.

A library is recognised by what the caller passes, never imported on suspicion.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any  # a numpy, torch, cupy or jax array

_TYPES = frozenset(
    ["float16", "float32", "float64", "bool"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
_DLPACK_HOST = (1, 3)  # kDLCPU and kDLCUDAHost: ordinary and pinned memory
_ON_THE_CPU = "this is computed on the CPU"
_ALLOWED = "float16, bfloat16, float32, float64, an integer type or bool"


@dataclass(frozen=True)
class Input:
    """A checked (n_samples, n_features) array: its memory, its type, and whose it is."""

    name: str
    values: np.ndarray
    type: str  # a name of _TYPES, or "bfloat16" with values holding its bits as uint16
    wrap: Callable[[Any], Array]  # a numpy value as an array of the caller's library
    given: Array = None  # as the caller passed it

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape


def as_input(name: str, x: Array | Input) -> Input:
    """View ``x`` as a two-dimensional array of numbers in host memory; an Input keeps its name.

    Raises TypeError for what is not an array of real numbers, ValueError for a wrong shape or an
    array on another device; both name the argument.
    """
    if isinstance(x, Input):
        return x
    if getattr(type(x), "in_device_memory", False):
        raise ValueError(f"{name} is in CUDA memory; {_ON_THE_CPU}: copy it to the host first.")
    values, type_name, wrap = _from_torch(name, x) if _is_torch(x) else _from_other(name, x)
    if type_name == "object" and values.ndim == 0:
        raise TypeError(
            f"{name} is of type {type(x).__name__}; it must be a two-dimensional array of numbers."
        )
    require_features(name, type_name, values.shape)
    return Input(name, values, type_name, wrap, x)


def require_features(name: str, type_name: str, shape: tuple[int, ...]) -> None:
    """Raise TypeError or ValueError unless these are of real numbers in two dimensions."""
    if type_name not in _TYPES and type_name != "bfloat16":
        raise TypeError(f"{name} has dtype {type_name}; allowed are {_ALLOWED}.")
    if len(shape) != 2:
        raise ValueError(
            f"{name} must be two-dimensional, (n_samples, n_features); its shape is {tuple(shape)}."
        )
    if shape[1] == 0:
        raise ValueError(f"{name} has no features; its shape is {tuple(shape)}.")


def same_samples(*inputs: Any) -> None:
    """Raise ValueError unless all have the same number of rows (objects with name and shape)."""
    first = inputs[0]
    for other in inputs[1:]:
        if other.shape[0] != first.shape[0]:
            raise ValueError(
                f"{first.name} and {other.name} must have the same number of samples, row i of one "
                f"paired with row i of the other; their shapes are {tuple(first.shape)} and "
                f"{tuple(other.shape)}."
            )


def _is_torch(x: Array) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def _from_torch(name: str, x: Array) -> tuple[np.ndarray, str, Callable[[Any], Array]]:
    import torch

    if x.device.type == "meta":
        raise ValueError(f"{name} is on the device meta and holds no values; materialise it first.")
    if x.device.type != "cpu":
        raise ValueError(f"{name} is on the device {x.device}; {_ON_THE_CPU}: pass {name}.cpu().")
    x = plain_tensor(name, x)
    if x.dtype == torch.bfloat16:
        # numpy has no bfloat16: the same bits under another name.
        return x.view(torch.int16).numpy().view(np.uint16), "bfloat16", _torch_value
    try:
        values = x.resolve_conj().numpy()
    except (TypeError, RuntimeError) as error:
        if str(x.dtype).removeprefix("torch.") in _TYPES:
            # A tensor of a transformation (vmap, a trace) that stands for values to come.
            raise TypeError(
                f"{name} is a {type(x).__name__} whose values cannot be read: {sentence(error)}"
            ) from None
        raise TypeError(f"{name} has dtype {x.dtype}; allowed are {_ALLOWED}.") from None
    return values, values.dtype.name, _torch_value


def plain_tensor(name: str, x: Array) -> Array:
    """The values of a dense tensor: without a gradient, and no view that negates what it shows."""
    import torch

    if x.layout != torch.strided or x.is_nested:
        kind = "is a nested tensor" if x.is_nested else f"has the layout {x.layout}"
        raise TypeError(f"{name} {kind}; pass a dense tensor.")
    return x.detach().resolve_neg()


def _from_other(name: str, x: Array) -> tuple[np.ndarray, str, Callable[[Any], Array]]:
    wrap: Callable[[Any], Array] = _numpy_value
    values = x
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise TypeError(
            f"{name} is a masked array; drop the samples it masks, or pass {name}.data."
        )
    if not isinstance(x, np.ndarray):
        if hasattr(x, "__array_namespace__"):
            wrap = x.__array_namespace__().asarray
        if hasattr(x, "__dlpack_device__"):
            elsewhere = x.__dlpack_device__()[0] not in _DLPACK_HOST
        else:
            elsewhere = hasattr(x, "__cuda_array_interface__")
        if elsewhere:
            raise ValueError(f"{name} is not in host memory; {_ON_THE_CPU}: copy it there first.")
        if hasattr(x, "toarray") and hasattr(x, "nnz"):
            raise TypeError(f"{name} is a sparse {type(x).__name__}; pass {name}.toarray().")
        try:
            only_dlpack = hasattr(x, "__dlpack__") and not hasattr(x, "__array__")
            values = np.from_dlpack(x) if only_dlpack else np.asarray(x)
        except Exception as error:
            raise TypeError(
                f"{name} cannot be read as an array of numbers: {sentence(error)}"
            ) from None
    if values.dtype.name == "bfloat16":
        return values.view(np.uint16), "bfloat16", wrap
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return values, values.dtype.name, wrap


def sentence(error: Exception) -> str:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return first.split(". ")[0].rstrip(".") + "."


def _torch_value(value: Any) -> Any:
    import torch

    return torch.from_numpy(np.asarray(value))


def _numpy_value(value: Any) -> Any:
    return np.float64(value) if np.ndim(value) == 0 else value
