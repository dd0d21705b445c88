"""Decompositions, computed once per user: some take seconds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...files import read_json, write_json
from ...information import Decomposition, decomposition
from ..cache import cache_directory

CACHE_VERSION = 1
"""Raised whenever the same tables would give another decomposition."""


def cached_decomposition(first: np.ndarray, second: np.ndarray, mi_joint: float) -> Decomposition:
    """Return :func:`mmalign.information.decomposition`, from the user's cache where it is there.

    A file of the cache is named by its version and the sha256 of the tables, and holds a checksum;
    one that is damaged is made again. Raises UserError where the cache cannot be written.
    """
    path = cache_directory() / "pid" / f"{_key(first, second, mi_joint)}.json"
    found = _read(path)
    if found is None:
        found = decomposition(first, second, mi_joint)
        content = asdict(found)
        try:
            write_json(path, {"pid": content, "sha256": _checksum(content)})
        except OSError as error:
            raise UserError(f"{path} cannot be written ({error.strerror or error}).") from None
    return found


def _read(path: Path) -> Decomposition | None:
    try:
        record = read_json(path)
    except (UserError, OSError):
        return None
    content = record.get("pid") if isinstance(record, dict) else None
    names = {field.name for field in fields(Decomposition)}
    if not isinstance(content, dict) or content.keys() != names:
        return None
    return Decomposition(**content) if record.get("sha256") == _checksum(content) else None


def _key(first: np.ndarray, second: np.ndarray, mi_joint: float) -> str:
    digest = hashlib.sha256(f"{CACHE_VERSION} {first.shape} {second.shape}".encode())
    for table in (first, second, np.float64(mi_joint)):
        digest.update(np.ascontiguousarray(table, dtype="<f8"))
    return digest.hexdigest()


def _checksum(content: dict[str, float]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
