"""Arrays in CUDA memory go to the function of the same name in mmkernels.cuda."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ._gradients import carries_derivative

Function = TypeVar("Function", bound=Callable[..., Any])

_DLPACK_CUDA = (2, 13)  # kDLCUDA and kDLCUDAManaged
# Seen in nearly every call, and decided by their type alone.
_HOST = frozenset([np.ndarray, np.memmap, np.float64, bool, int, float, str, type(None)])
_SEQUENCES = (list, tuple)
# PyTorch's classes as they are met: isinstance of a tensor takes half a microsecond.
_TENSORS: set[type] = set()


def in_device_memory(x: Any) -> bool:
    """Whether ``x`` is an array in CUDA memory, or was made of one (and its class says so)."""
    kind = type(x)
    if kind in _HOST:
        return False
    if kind in _TENSORS:
        return x.is_cuda
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        _TENSORS.add(kind)
        return x.is_cuda
    if getattr(kind, "in_device_memory", False):
        return True
    if hasattr(kind, "__dlpack_device__"):
        return x.__dlpack_device__()[0] in _DLPACK_CUDA
    return hasattr(kind, "__cuda_array_interface__")


def for_devices(function: Function) -> Function:
    """Give a public function its counterpart in mmkernels.cuda, as soon as there is one.

    Sequences are looked into: they may hold representations. What PyTorch is to differentiate stays
    with the function itself.
    """
    name = function.__name__
    host, tensors, sequences, elsewhere = _HOST, _TENSORS, _SEQUENCES, in_device_memory
    iterable, listed = _is_only_iterable, _listed

    def dispatched(*arguments, **options):
        for values in (arguments, options.values()):
            for value in values:
                kind = type(value)
                if kind in host or (kind in tensors and not value.is_cuda):
                    continue
                if kind in sequences:
                    if any(map(elsewhere, value)):
                        return forwarded(arguments, options)
                elif elsewhere(value):
                    return forwarded(arguments, options)
                elif iterable(value):
                    values = {name: listed(option) for name, option in options.items()}
                    return dispatched(*map(listed, arguments), **values)
        return function(*arguments, **options)

    def forwarded(arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        from . import cuda

        counterpart = getattr(cuda, name, None)
        if counterpart is None or carries_derivative(*arguments, *options.values()):
            return function(*arguments, **options)
        return counterpart(*arguments, **options)

    # With the globals of its module, or doctest would take it for another module's.
    own = types.FunctionType(
        dispatched.__code__, function.__globals__, name, None, dispatched.__closure__
    )
    return functools.update_wrapper(own, function)


def _is_only_iterable(value: Any) -> bool:
    """Of iterators, views of dictionaries and the like, which may be read once; of no array."""
    return (
        hasattr(value, "__iter__")
        and not hasattr(value, "__getitem__")
        and not hasattr(value, "shape")
    )


def _listed(value: Any) -> Any:
    return list(value) if _is_only_iterable(value) else value
