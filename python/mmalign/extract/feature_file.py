"""The layout of a feature file: safetensors with a header that says where the features are from."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError

FORMAT = 1
KEY = "mmalign"
# numpy lacks bfloat16; its bits travel as integers of the same size.
STORAGE = {
    "float64": ("F64", np.dtype(np.float64)),
    "float32": ("F32", np.dtype(np.float32)),
    "float16": ("F16", np.dtype(np.float16)),
    "bfloat16": ("BF16", np.dtype(np.uint16)),
}
_ALIGNMENT = 64
_CHUNK = 1 << 24
# The format's own limit.
_LARGEST_HEADER = 100_000_000
_NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class TensorSpec:
    """A tensor to be: its name, one of STORAGE, its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * STORAGE[self.dtype][1].itemsize


def layer_name(layer: int) -> str:
    """layer_000 is the input of the first block, layer_001 the output of the first, ..."""
    return f"layer_{layer:03d}"


def reserved_header_size(specs: Sequence[TensorSpec], meta: Mapping[str, Any], n: int) -> int:
    """Return the bytes of a header that will hold checksums and counts up to ``n``."""
    largest = {name: n for name in meta.get("counts", {})}
    text = _header_text(specs, {**meta, "counts": largest}, {})
    return -(-(8 + len(text)) // _ALIGNMENT) * _ALIGNMENT


def header_bytes(
    specs: Sequence[TensorSpec], meta: Mapping[str, Any], digests: Mapping[str, str], size: int
) -> bytes:
    """Return the header of a file, ``size`` bytes with its length, padded with blanks."""
    text = _header_text(specs, meta, digests)
    return (size - 8).to_bytes(8, "little") + text.ljust(size - 8)


def _header_text(
    specs: Sequence[TensorSpec], meta: Mapping[str, Any], digests: Mapping[str, str]
) -> bytes:
    checksums = {spec.name: digests.get(spec.name, _NO_DIGEST) for spec in specs}
    content = json.dumps({**meta, "sha256": checksums}, sort_keys=True)
    header: dict[str, Any] = {"__metadata__": {KEY: content}}
    offset = 0
    for spec in specs:
        header[spec.name] = {
            "dtype": STORAGE[spec.dtype][0],
            "shape": list(spec.shape),
            "data_offsets": [offset, offset + spec.nbytes],
        }
        offset += spec.nbytes
    return json.dumps(header, separators=(",", ":")).encode()


def tensor_digest(array: np.ndarray) -> str:
    """Return the sha256 of a contiguous array's bytes; a mapped one is read in pieces."""
    flat = array.reshape(-1).view(np.uint8)
    digest = hashlib.sha256()
    for start in range(0, len(flat), _CHUNK):
        digest.update(flat[start : start + _CHUNK])
    return digest.hexdigest()


def read_meta(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the header's account of where the features of a file are from.

    Raises UserError for a missing or damaged file, and for safetensors that ``mmalign extract``
    did not write.
    """
    return _read(Path(path))[0]


def verify_features(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Check every tensor of a feature file against its sha256 and return the file's account.

    Reads the whole file once, in pieces. Raises UserError naming the first tensor whose bytes
    are not those that were written, and all that :func:`read_meta` raises.
    """
    path = Path(path)
    meta, tensors, start = _read(path)
    recorded = meta.get("sha256")
    if not isinstance(recorded, dict) or set(recorded) != set(tensors):
        raise UserError(f"{path} is damaged: its checksums are not those of its tensors.")
    with open(path, "rb") as stream:
        for name, (begin, end) in tensors.items():
            stream.seek(start + begin)
            digest = hashlib.sha256()
            left = end - begin
            while left and (piece := stream.read(min(_CHUNK, left))):
                digest.update(piece)
                left -= len(piece)
            if left or digest.hexdigest() != recorded[name]:
                raise UserError(f"{path} is damaged: {name} does not match its sha256.")
    return meta


def _read(path: Path) -> tuple[dict[str, Any], dict[str, tuple[int, int]], int]:
    """Return the account, the byte ranges of the tensors, and where the data begin."""
    try:
        with open(path, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            total = os.fstat(stream.fileno()).st_size
            if not 2 <= length <= min(total - 8, _LARGEST_HEADER):
                raise UserError(f"{path} is truncated or not a safetensors file.")
            header = json.loads(stream.read(length))
        text = header.pop("__metadata__", {}).get(KEY)
        tensors = {name: tuple(tensor["data_offsets"]) for name, tensor in header.items()}
        meta = json.loads(text) if text is not None else None
        whole = max((end for _, end in tensors.values()), default=0) == total - 8 - length
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is damaged or not a safetensors file.") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise UserError(f"{path} was not written by mmalign extract, or by another version of it.")
    if not whole:
        raise UserError(f"{path} is truncated or damaged: its tensors do not fill it.")
    return meta, tensors, 8 + length
