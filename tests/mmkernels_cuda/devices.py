"""The device of the tests: a GPU with PyTorch where there is one, else the shim's host memory."""

from __future__ import annotations

import ctypes

import numpy as np

from mmkernels.cuda._libraries import by_protocol

_CUDA, _BFLOAT = 2, 4  # of DLPack: kDLCUDA and kDLBfloat
# Where DLTensor begins in what a capsule of each name holds.
_TENSOR = {b"dltensor": 0, b"dltensor_versioned": 32}

_name_of = ctypes.pythonapi.PyCapsule_GetName
_name_of.restype, _name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
_pointer_in = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_in.restype, _pointer_in.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


class ShimArray:
    """An array of a library of the tests, which says of its host memory that it is CUDA's."""

    def __init__(self, values: np.ndarray, device: int = 0, type_name: str | None = None):
        self.values, self.device = values, device
        self.type_name = type_name or values.dtype.name
        self.given_away: list[dict] = []  # the options of each call of __dlpack__

    @property
    def shape(self):
        return self.values.shape

    def __dlpack_device__(self):
        return (_CUDA, self.device)

    def __dlpack__(self, **options):
        self.given_away.append(options)
        wanted = {"max_version": options["max_version"]} if "max_version" in options else {}
        return relabelled(self.values.__dlpack__(**wanted), self.device, self.type_name)

    def __float__(self):
        return float(self.values)


def fields_of(capsule):
    """(device type, device index, dimensions, type code, bits, lanes), to be read and written."""
    name = _name_of(capsule)

    class Fields(ctypes.Structure):
        _fields_ = [
            ("device_type", ctypes.c_int32),
            ("device", ctypes.c_int32),
            ("dimensions", ctypes.c_int32),
            ("code", ctypes.c_uint8),
            ("bits", ctypes.c_uint8),
            ("lanes", ctypes.c_uint16),
            ("shape", ctypes.POINTER(ctypes.c_int64)),
            ("strides", ctypes.POINTER(ctypes.c_int64)),
            ("byte_offset", ctypes.c_uint64),
        ]

    return Fields.from_address(_pointer_in(capsule, name) + _TENSOR[name] + 8)


def relabelled(capsule, device, type_name):
    """numpy's capsule, of CUDA memory; numpy has no bfloat16, so that uint16 stands for it."""
    fields = fields_of(capsule)
    fields.device_type, fields.device = _CUDA, device
    if type_name == "bfloat16":
        fields.code = _BFLOAT
    return capsule


class ShimLibrary:
    """mmkernels.cuda's view of ShimArray."""

    name = "shim"
    current_stream = 0
    free = 2**30

    def is_usable(self):
        return True

    def holds(self, x):
        return isinstance(x, ShimArray)

    def capsule(self, name, x):
        return by_protocol(x)

    def empty(self, shape, type_name, device):
        """Full of NaN or -1: what is not written shows."""
        itemsize = np.dtype(type_name).itemsize
        size = int(np.prod(shape, dtype=np.int64)) * itemsize
        memory = np.full(size + 256, 0xFF, np.uint8)
        start = -memory.ctypes.data % 256
        return ShimArray(memory[start : start + size].view(type_name).reshape(shape), device)

    def pointer(self, x):
        return x.values.ctypes.data

    def stream(self, device):
        return self.current_stream

    def from_host(self, values, device):
        return ShimArray(np.array(values), device)

    def is_out_of_memory(self, error):
        return isinstance(error, MemoryError)

    def free_memory(self, device):
        return self.free


class Shim:
    """Arrays of the tests' library."""

    real = False

    def __init__(self, library: ShimLibrary):
        self.library = library

    def array(self, values, type_name=None, device=0):
        """`values` on the device; as `type_name` if given, "bfloat16" included."""
        if type_name == "bfloat16":
            return ShimArray(to_bfloat16(values), device, "bfloat16")
        values = np.asarray(values)
        return ShimArray(values if type_name is None else values.astype(type_name), device)

    def host(self, array):
        """numpy's copy of what a function returned."""
        return np.array(array.values)


class Gpu:
    """PyTorch's tensors."""

    real = True

    def array(self, values, type_name=None, device=0):
        import torch

        values = np.ascontiguousarray(values)
        tensor = torch.from_numpy(values).to(f"cuda:{device}")
        return tensor if type_name is None else tensor.to(getattr(torch, type_name))

    def host(self, array):
        return array.cpu().numpy()


def to_bfloat16(values):
    """The bits of float32 values rounded to bfloat16, to even, as uint16."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def a_gpu_is_there() -> bool:
    import mmkernels

    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available() and mmkernels.cuda.is_available()
