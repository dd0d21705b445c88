"""The layout of a feature file: safetensors with a header that says where the features are from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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
