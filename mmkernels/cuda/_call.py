"""A call's place on the device: the caller's stream, and memory of the caller's library."""

from __future__ import annotations

import math
from typing import Any

from .._arrays import Array, sentence
from . import _module
from ._arrays import on_one_device

_SIZES = {"uint8": 1, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8, "int64": 8}


class Call:
    """One call of a function named ``what`` on inputs of one device and one library.

    Inputs are objects with name, shape, device and library. Memory that :meth:`workspace` gave
    lives as long as this object; after that, kernels still in the stream may use it, since the
    library gives it only to what comes later in the same stream.
    """

    def __init__(self, what: str, *inputs: Any):
        on_one_device(*inputs)
        self.module = _module.require(inputs[0].name)
        self.library = inputs[0].library
        self.device = inputs[0].device
        self.stream = self.library.stream(self.device)
        self._what = what
        self._inputs = inputs
        self._kept: list[Array] = []

    def empty(self, shape: tuple[int, ...], type_name: str, purpose: str = "its result") -> Array:
        """A new array for the caller, whose address is :meth:`pointer` of it."""
        try:
            return self.library.empty(shape, type_name, self.device)
        except Exception as error:
            if not self.library.is_out_of_memory(error):
                raise
            raise MemoryError(
                self._refused(math.prod(shape) * _SIZES[type_name], purpose, error)
            ) from error

    def pointer(self, array: Array) -> int:
        return self.library.pointer(array)

    def workspace(self, size: int, purpose: str = "workspace") -> int:
        """The address of so many bytes, aligned to 256."""
        memory = self.empty((max(size, 1),), "uint8", purpose)
        self._kept.append(memory)
        return self.pointer(memory)

    def _refused(self, size: int, purpose: str, error: Exception) -> str:
        shapes = ", ".join(f"{each.name} of shape {tuple(each.shape)}" for each in self._inputs)
        return (
            f"{self._what} needs {size} bytes on cuda:{self.device} for {purpose} ({shapes}), "
            f"which {self.library.name} cannot allocate: {sentence(error)}"
        )
