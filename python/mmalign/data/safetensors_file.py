"""Safetensors files as maps of memory: the header is checked, the numbers stay on the disk."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import require_file
from ..optional import require
from .arrays import one_line

# What numpy, or torch in the case of BF16, can map.
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
_LENGTH = 8
# The limit of the format's own reader; a longer header is an attack, not a model.
_LONGEST_HEADER = 100_000_000
_MOST_DIMENSIONS = 32
_MOST_BYTES = 1 << 62
_KEY = "mmalign"


class _Refused(ValueError):
    """What is wrong with a header, in words that follow "is truncated or not ... ("."""


def map_tensors(path: Path) -> dict[str, Any]:
    """Map every tensor of a file into memory: name -> array, in the order of the header.

    numpy arrays, read only, and torch tensors for bfloat16; nothing is read until it is used and
    nothing is allocated for what the header claims. A tensor that does not start at a multiple of
    its item size is copied. Raises UserError, naming the file, unless the header is whole, names
    each tensor once, and the tensors fill the rest of the file without gap or overlap.
    """
    entries = _read_header(path)[0]
    if any(entry["dtype"] == "BF16" for entry in entries.values()):
        require("torch", "bfloat16")
    if not entries:
        return {}
    # Pages of our own, as torch warns of memory that it may not write; the file is not written.
    content = np.memmap(path, np.uint8, mode="c")
    start = len(content) - max(entry["data_offsets"][1] for entry in entries.values())
    return {name: _tensor(content, start, entry) for name, entry in entries.items()}


def read_metadata(path: Path) -> dict[str, str]:
    """Return the strings a file says about itself (``__metadata__``); raises as map_tensors."""
    return _read_header(path)[1]


def read_feature_header(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return what a file of features says of itself, or None where it says nothing.

    The JSON object that ``mmalign extract`` leaves in a safetensors file: "format", "model",
    "pooling", "modality", "data": {"name", "sha256", "n"} and others. Files of other kinds and of
    other programs have none. Raises UserError for a damaged file and for a later format.
    """
    path = Path(path)
    if path.suffix.lower() != ".safetensors":
        return None
    text = read_metadata(path).get(_KEY)
    if text is None:
        return None
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{path}: its description ({_KEY!r}) is not valid JSON.") from None
    if not isinstance(header, dict) or "format" not in header:
        return None
    if header["format"] != 1:
        raise UserError(
            f"{path} is of format {header['format']!r}; this version of mmalign reads format 1."
        )
    return header


def _tensor(content: np.ndarray, start: int, entry: dict[str, Any]) -> Any:
    begin, end = (start + offset for offset in entry["data_offsets"])
    values = content[begin:end].view(_TYPES[entry["dtype"]]).reshape(entry["shape"])
    if not values.flags.aligned:
        values = values.copy()
    if entry["dtype"] != "BF16":
        values.flags.writeable = False
        return values
    torch = require("torch", "bfloat16")
    return torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)


def _read_header(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Entries by name and metadata, checked against the size of the file."""
    require_file(path)
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            length = int.from_bytes(stream.read(_LENGTH), "little")
            if size < _LENGTH or length > size - _LENGTH:
                raise _Refused(f"{size} bytes do not hold a header of {length} bytes")
            if length > _LONGEST_HEADER:
                raise _Refused(f"its header claims {length} bytes; at most {_LONGEST_HEADER}")
            header = json.loads(stream.read(length), object_pairs_hook=_once)
        return _checked(header, size - _LENGTH - length)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
    # Beside _Refused: bytes that are no text, text that is no JSON, nesting without end.
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is truncated or not a safetensors file of numbers ({one_line(error)})."
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Refused(f"its header names {name!r} twice")
        found[name] = value
    return found


def _checked(header: Any, held: int) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    if not isinstance(header, dict):
        raise _Refused("its header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _Refused("its __metadata__ is not an object of strings")
    for name, entry in header.items():
        _check_entry(name, entry)
    position = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        if begin != position or end > held:
            raise _Refused(
                f"{name!r} claims bytes {begin} to {end} of {held}, where {position} is next"
            )
        position = end
    if position != held:
        raise _Refused(f"its tensors take {position} bytes of {held}")
    return header, metadata


def _check_entry(name: str, entry: Any) -> None:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _Refused(f"{name!r} is not described by dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _TYPES:
        raise _Refused(f"{name!r} is of type {dtype!r}; read are {', '.join(_TYPES)}")
    if not _whole(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _Refused(f"{name!r} has the data_offsets {offsets!r}")
    itemsize = np.dtype(_TYPES[dtype]).itemsize
    # numpy counts without the zeros of an empty array too.
    if (
        not _whole(shape)
        or len(shape) > _MOST_DIMENSIONS
        or math.prod(max(1, length) for length in shape) * itemsize >= _MOST_BYTES
    ):
        raise _Refused(f"{name!r} has the shape {shape!r}")
    claimed = math.prod(shape) * itemsize
    if claimed != offsets[1] - offsets[0]:
        raise _Refused(f"{name!r} of shape {shape} takes {claimed} bytes, not those of {offsets}")


def _whole(numbers: Any) -> bool:
    """Whether this is a list of whole numbers that a file can have."""
    return isinstance(numbers, list) and all(
        isinstance(number, int) and not isinstance(number, bool) and 0 <= number < _MOST_BYTES
        for number in numbers
    )
