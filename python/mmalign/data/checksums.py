"""The checksums in a file of features: whether its numbers are those that were written."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..optional import require
from .safetensors_file import map_tensors, read_feature_header

_CHUNK = 1 << 24


def tensor_digest(array: np.ndarray) -> str:
    """Return the sha256 of a contiguous array's bytes; a mapped one is read in pieces."""
    flat = array.reshape(-1).view(np.uint8)
    digest = hashlib.sha256()
    for start in range(0, len(flat), _CHUNK):
        digest.update(flat[start : start + _CHUNK])
    return digest.hexdigest()


def verify_features(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Check every tensor of a feature file against its sha256 and return the file's account.

    Reads the whole file once, in pieces. Raises UserError naming the first tensor whose bytes
    are not those that were written, and for a file without checksums.
    """
    path = Path(path)
    meta = read_feature_header(path)
    tensors = map_tensors(path) if meta is not None else {}
    recorded = meta.get("sha256") if meta is not None else None
    if not isinstance(recorded, dict):
        raise UserError(f"{path} holds no checksums; expected a file of mmalign extract.")
    if set(recorded) != set(tensors):
        raise UserError(f"{path} is damaged: its checksums are not those of its tensors.")
    for name, tensor in tensors.items():
        bits = tensor if isinstance(tensor, np.ndarray) else _bits(tensor)
        if tensor_digest(bits) != recorded[name]:
            raise UserError(f"{path} is damaged: {name} does not match its sha256.")
    return meta


def _bits(tensor: Any) -> np.ndarray:
    """bfloat16, which numpy lacks, as integers of its size."""
    return tensor.view(require("torch", "bfloat16").int16).numpy()
