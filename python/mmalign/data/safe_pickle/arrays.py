"""What pickles of numpy arrays are made of, rebuilt without numpy's own reconstruction.

numpy pickles an array as a call of ``_reconstruct`` and a state (version, shape, dtype, order,
bytes); protocol 5 as a call of ``_frombuffer``. Its own functions trust the state. Here shape,
dtype and bytes are checked against each other first, and an array is a view of those bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .faults import Damaged, Refused

MAX_DIMENSIONS = 32
# Beyond it a shape with a zero in it overflows, though the array is empty.
MAX_ELEMENTS = 1 << 48
_CODE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|[SU][1-9][0-9]{0,5}|O[48]?)")


@dataclass(frozen=True)
class Name:
    """A name of a pickle that this reader knows; it stands for nothing but itself."""

    text: str

    def __str__(self) -> str:
        return self.text


class Dtype:
    """A dtype: its code without byte order, and the byte order, which its state may change."""

    def __init__(self, code: str, order: str) -> None:
        self.code = code
        self.order = order

    def __str__(self) -> str:
        return f"numpy.dtype {self.code!r}"

    @property
    def is_object(self) -> bool:
        return self.code.startswith("O")

    def set_state(self, state: tuple[Any, ...]) -> Dtype:
        # (version, byte order, subarray, names, fields, item size, alignment, flags, metadata)
        if len(state) not in (8, 9) or state[0] not in (3, 4) or state[1] not in ("<", ">", "|"):
            raise Damaged(f"{self} has an unknown state")
        if any(part is not None for part in (*state[2:5], *state[8:])):
            raise Refused(f"a {self} with fields, sub-arrays or metadata")
        self.order = state[1]
        return self

    def numpy(self) -> np.dtype:
        return np.dtype(self.code).newbyteorder(self.order)


class ArrayInProgress:
    """An array between ``_reconstruct`` and the state that fills it."""

    def __init__(self) -> None:
        self.array: np.ndarray | None = None

    def __str__(self) -> str:
        return "an array that was never filled"

    def set_state(self, state: tuple[Any, ...]) -> np.ndarray:
        if len(state) != 5 or state[0] != 1:
            raise Damaged("an array has an unknown state")
        _, shape, dtype, is_fortran, data = state
        self.array = _array(shape, dtype, "F" if is_fortran else "C", data)
        return self.array


def admitted_name(module: str, attribute: str) -> Name:
    """Return the name if this reader knows it; Refused names it otherwise."""
    # numpy 2 moved numpy.core to numpy._core; pickles have either.
    text = f"{module.replace('numpy.core.', 'numpy._core.')}.{attribute}"
    if text not in CALLABLE and text != "numpy.ndarray":
        raise Refused(f"{module}.{attribute}")
    return Name(text)


def _reconstruct(kind: Any, shape: Any, code: Any) -> ArrayInProgress:
    # The shape and code of this call are those of an empty array; its state has the true ones.
    if kind != Name("numpy.ndarray"):
        raise Refused(f"an array of the class {kind}")
    return ArrayInProgress()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> np.ndarray:
    if order == "K":
        # Since numpy 2.3: contiguous once its axes change places.
        array = _array(shape, dtype, "C", data)
        whole = type(axes) is tuple and all(type(axis) is int for axis in axes)
        if not whole or sorted(axes) != list(range(array.ndim)):
            raise Damaged("the axes of an array are not those of its shape")
        return array.transpose(axes)
    if order not in ("C", "F"):
        raise Damaged("an array has an unknown order")
    return _array(shape, dtype, order, data)


def _scalar(dtype: Any, data: Any) -> Any:
    if isinstance(dtype, Dtype) and dtype.is_object:
        raise Refused("a numpy scalar of type object")
    return _array((), dtype, "C", data).item()


def _dtype(code: Any, align: Any, copy: Any) -> Dtype:
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise Refused(f"the numpy type {str(code)[:40]!r}")
    return Dtype(code.lstrip("<>|="), code[0] if code[0] in "<>" else "=")


def _encode(text: Any, encoding: Any) -> bytes:
    # How Python 3 writes bytes in protocol 2.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused("_codecs.encode of anything but bytes")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise Damaged("bytes are written as text that is not Latin-1") from None


def _no_bytes() -> bytes:
    return b""


CALLABLE: dict[str, Callable[..., Any]] = {
    "numpy._core.multiarray._reconstruct": _reconstruct,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy._core.numeric._frombuffer": _from_buffer,
    "numpy.dtype": _dtype,
    "_codecs.encode": _encode,
    "__builtin__.bytes": _no_bytes,
}


def _array(shape: Any, dtype: Any, order: str, data: Any) -> np.ndarray:
    if not isinstance(dtype, Dtype):
        raise Damaged(f"the dtype of an array is a {type(dtype).__name__}")
    shape = _checked_shape(shape)
    count = math.prod(shape)
    if dtype.is_object:
        return _object_array(shape, count, data)
    if isinstance(data, str):
        data = _encode(data, "latin1")
    if not isinstance(data, (bytes, memoryview)):
        raise Damaged(f"the values of an array are a {type(data).__name__}")
    found = dtype.numpy()
    if count * found.itemsize != len(data):
        raise Damaged(
            f"an array of shape {shape} and type {found} takes {count * found.itemsize} bytes, "
            f"but has {len(data)}"
        )
    if not count:
        return np.empty(shape, found)
    _check_values(found, data)
    return np.frombuffer(data, found).reshape(shape, order=order)


def _checked_shape(shape: Any) -> tuple[int, ...]:
    if type(shape) is not tuple or not all(type(size) is int and size >= 0 for size in shape):
        raise Damaged("the shape of an array is not a tuple of whole numbers")
    if len(shape) > MAX_DIMENSIONS or math.prod(size or 1 for size in shape) > MAX_ELEMENTS:
        raise Damaged(f"an array claims the shape {shape[:4]}{'...' * (len(shape) > 4)}")
    return shape


def _check_values(dtype: np.dtype, data: bytes | memoryview) -> None:
    """Refuse bytes that are no booleans or no text: later steps take them at their word."""
    if dtype.kind == "b" and np.frombuffer(data, np.uint8).max() > 1:
        raise Damaged("an array of booleans has other values")
    if dtype.kind == "U" and np.frombuffer(data, f"{dtype.byteorder}u4").max() > 0x10FFFF:
        raise Damaged("an array of text has values that are no characters")


def _object_array(shape: tuple[int, ...], count: int, data: Any) -> np.ndarray:
    if type(data) is not list or len(data) != count:
        raise Damaged(f"an array of {count} objects has another number of them")
    array = np.empty(count, dtype=object)
    for index, value in enumerate(data):
        array[index] = value
    # numpy lists objects in C order, also those of an array that it calls Fortran's.
    return array.reshape(shape)
