"""Arrays in CUDA memory as callers have them; nothing is copied, and no stream is waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from .._arrays import Array, require_features, sentence
from .._dispatch import in_device_memory
from . import _module
from ._libraries import Library, library_of


@dataclass(frozen=True)
class DeviceInput:
    """A checked (n_samples, n_features) array on a device: its memory, and whose it is."""

    name: str
    array: Any  # Array of the extension module; keeps the memory alive
    shape: tuple[int, int]
    type: str  # as of mmkernels._arrays.Input
    device: int
    library: Library
    given: Array = None  # as the caller passed it

    #: Sends a call with this argument to mmkernels.cuda.
    in_device_memory: ClassVar[bool] = True

    @property
    def wrap(self) -> Callable[[Any], Array]:
        """Makes of values in host memory an array of the caller's library, on the device."""
        return lambda values: self.library.from_host(values, self.device)


def as_device_input(name: str, x: Array | DeviceInput) -> DeviceInput:
    """View ``x`` as a two-dimensional array of numbers on a device; a DeviceInput keeps its name.

    Raises ValueError for an array in host memory or of a wrong shape, TypeError for what is not an
    array of real numbers of PyTorch or CuPy, RuntimeError where CUDA cannot be used.
    """
    if isinstance(x, DeviceInput):
        return x
    if not in_device_memory(x):
        raise ValueError(f"{name} is not in CUDA memory; move it to a device first.")
    library = library_of(name, x)
    module = _module.require(name)
    array = _viewed(name, x, library, module)
    require_features(name, array.type, array.shape)
    return DeviceInput(name, array, array.shape, array.type, array.device, library, x)


def device_inputs(**arrays: Any) -> list[Any]:
    """:func:`as_device_input` of each, by name, all of them on one device and of one library.

    Objects made of arrays in CUDA memory (whose class says so) pass as they are.
    """
    places = {in_device_memory(x): name for name, x in reversed(arrays.items())}
    if len(places) == 2:
        raise ValueError(
            f"{places[False]} is in host memory and {places[True]} in CUDA memory; all arguments "
            "must be on one device."
        )
    inputs = [
        x if getattr(type(x), "in_device_memory", False) else as_device_input(name, x)
        for name, x in arrays.items()
    ]
    on_one_device(*inputs)
    return inputs


def on_one_device(*inputs: Any) -> None:
    """Raise unless all (objects with name, device and library) are of one device and library."""
    first = inputs[0]
    for other in inputs[1:]:
        if other.device != first.device:
            raise ValueError(
                f"{first.name} is on the device cuda:{first.device} and {other.name} on "
                f"cuda:{other.device}; all arguments must be on one device."
            )
        if other.library is not first.library:
            raise TypeError(
                f"{first.name} is an array of {first.library.name} and {other.name} one of "
                f"{other.library.name}; pass arrays of one library, as by "
                f"{first.library.name}.from_dlpack({other.name})."
            )


def _viewed(name: str, x: Array, library: Library, module: Any) -> Any:
    try:
        return module.Array(library.capsule(name, x))
    except (BufferError, RuntimeError, ValueError) as error:
        raise TypeError(
            f"{name} cannot be read as an array of numbers: {sentence(error)}"
        ) from None
