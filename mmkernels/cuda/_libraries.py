"""Libraries of arrays in CUDA memory: whose memory and whose streams the kernels use.

What is here is all that mmkernels.cuda knows of PyTorch and CuPy, neither of which it imports
before the caller has. Memory that they allocate is aligned to 256 bytes.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, Protocol

import numpy as np

from .._arrays import Array, plain_tensor


class Library(Protocol):
    name: str

    def is_usable(self) -> bool:
        """Whether it is installed and can allocate memory on devices; imports it."""

    def holds(self, x: Any) -> bool:
        """Whether x is an array of this library."""

    def capsule(self, name: str, x: Array) -> Any:
        """The memory of x, by DLPack. No stream waits: the kernels run on the caller's own."""

    def empty(self, shape: tuple[int, ...], type_name: str, device: int) -> Array:
        """New memory on the current stream of the device."""

    def pointer(self, x: Array) -> int:
        """Where the values of an array made by :meth:`empty` begin."""

    def stream(self, device: int) -> int:
        """The current stream of the device."""

    def from_host(self, values: np.ndarray, device: int) -> Array: ...

    def is_out_of_memory(self, error: Exception) -> bool: ...

    def free_memory(self, device: int) -> int:
        """Bytes that :meth:`empty` can have at present."""


class Torch:
    name = "torch"

    def is_usable(self) -> bool:
        if importlib.util.find_spec("torch") is None:
            return False
        import torch

        return torch.cuda.is_available()

    def holds(self, x: Any) -> bool:
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(x, torch.Tensor)

    def capsule(self, name: str, x: Array) -> Any:
        from torch.utils.dlpack import to_dlpack

        # Tensor.__dlpack__ refuses tensors of another device than the current one.
        return to_dlpack(plain_tensor(name, x))

    def empty(self, shape: tuple[int, ...], type_name: str, device: int) -> Array:
        import torch

        return torch.empty(shape, dtype=getattr(torch, type_name), device=f"cuda:{device}")

    def pointer(self, x: Array) -> int:
        return x.data_ptr()

    def stream(self, device: int) -> int:
        import torch

        return torch.cuda.current_stream(device).cuda_stream

    def from_host(self, values: np.ndarray, device: int) -> Array:
        import torch

        return torch.from_numpy(np.asarray(values)).to(f"cuda:{device}")

    def is_out_of_memory(self, error: Exception) -> bool:
        import torch

        return isinstance(error, torch.cuda.OutOfMemoryError)

    def free_memory(self, device: int) -> int:
        import torch

        # What it has reserved and does not use is free for it, too.
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused


class CuPy:
    name = "cupy"

    def is_usable(self) -> bool:
        if importlib.util.find_spec("cupy") is None:
            return False
        import cupy

        return cupy.is_available()

    def holds(self, x: Any) -> bool:
        cupy = sys.modules.get("cupy")
        return cupy is not None and isinstance(x, cupy.ndarray)

    def capsule(self, name: str, x: Array) -> Any:
        return by_protocol(x)

    def empty(self, shape: tuple[int, ...], type_name: str, device: int) -> Array:
        import cupy

        with cupy.cuda.Device(device):
            return cupy.empty(shape, type_name)

    def pointer(self, x: Array) -> int:
        return x.data.ptr

    def stream(self, device: int) -> int:
        import cupy

        with cupy.cuda.Device(device):
            return cupy.cuda.get_current_stream().ptr

    def from_host(self, values: np.ndarray, device: int) -> Array:
        import cupy

        with cupy.cuda.Device(device):
            return cupy.asarray(values)

    def is_out_of_memory(self, error: Exception) -> bool:
        import cupy

        return isinstance(error, cupy.cuda.memory.OutOfMemoryError)

    def free_memory(self, device: int) -> int:
        import cupy

        with cupy.cuda.Device(device):
            pool = cupy.get_default_memory_pool()
            return cupy.cuda.Device(device).mem_info[0] + pool.free_bytes()


def by_protocol(x: Array) -> Any:
    """A capsule of what has ``__dlpack__``, also of a library that knows no versions of it."""
    try:
        return x.__dlpack__(stream=-1, max_version=(1, 0))
    except TypeError:
        return x.__dlpack__(stream=-1)


LIBRARIES: list[Library] = [Torch(), CuPy()]


def any_library() -> Library:
    """Of those installed, the first: where the caller's arrays are of none."""
    for library in LIBRARIES:
        if library.is_usable():
            return library
    raise RuntimeError(
        "Device memory is allocated by PyTorch or CuPy, and neither can use CUDA here."
    )


def library_of(name: str, x: Any) -> Library:
    for library in LIBRARIES:
        if library.holds(x):
            return library
    kind = f"{type(x).__module__.split('.')[0]}.{type(x).__name__}"
    raise TypeError(
        f"{name} is in CUDA memory and of type {kind}; pass torch.from_dlpack({name}): results and "
        "workspace are allocated by PyTorch or CuPy."
    )
