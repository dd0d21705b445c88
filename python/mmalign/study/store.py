"""Finished cells on disk: one safetensors file each, complete or absent, checked when read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import safetensors
import safetensors.numpy

from ..errors import UserError
from ..files import atomic_path
from .cell import canonical_json

_KEY = "mmalign"


class DamagedCell(UserError):
    """A cell's file does not hold what was written into it."""


class CellStore:
    """The results of a study, by the hash of their cell.

    ``cells/<hash>.safetensors`` holds a cell's arrays; its metadata holds, under one key, the
    cell's JSON with a sha256 over that JSON and the names, types, shapes and bytes of the arrays.
    Equal results give equal bytes: no clock, host or path enters a file.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    def path(self, cell: str) -> Path:
        """Return where the cell of this hash is kept."""
        return self.directory / "cells" / f"{cell}.safetensors"

    def has(self, cell: str) -> bool:
        """Tell whether a file is there; :meth:`read_meta` tells whether it is sound."""
        return self.path(cell).exists()

    def write(self, cell: str, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a finished cell; the file appears at once and whole.

        meta: JSON content without NaN. arrays: numeric. Raises UserError where the disk refuses.
        """
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        content = {"content": dict(meta), "sha256": _digest(meta, contiguous)}
        # One metadata key only: safetensors writes several in no fixed order.
        blob = safetensors.numpy.save(contiguous, {_KEY: canonical_json(content)})
        try:
            with atomic_path(self.path(cell)) as temporary:
                temporary.write_bytes(blob)
        except OSError as error:
            raise UserError(
                f"{self.path(cell)} ({len(blob)} bytes) cannot be written: "
                f"{error.strerror or error}. Cells finished before are kept; the same command "
                f"continues from them."
            ) from None

    def read(self, cell: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return JSON content and arrays of a cell.

        Raises UserError if there is no such cell and DamagedCell if its file is truncated,
        altered or something else.
        """
        path = self.path(cell)
        try:
            with safetensors.safe_open(path, framework="numpy") as file:
                text = (file.metadata() or {}).get(_KEY)
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            content = json.loads(text) if text is not None else None
        except FileNotFoundError:
            raise UserError(f"{path} does not exist: this cell has not been computed.") from None
        except (safetensors.SafetensorError, json.JSONDecodeError) as error:
            raise DamagedCell(f"{path} is damaged ({error}).") from None
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
        if not isinstance(content, dict) or not isinstance(content.get("content"), dict):
            raise DamagedCell(f"{path} is damaged (it does not hold a cell).")
        if content.get("sha256") != _digest(content["content"], arrays):
            raise DamagedCell(f"{path} is damaged (its contents do not match their checksum).")
        return content["content"], arrays

    def read_meta(self, cell: str) -> dict[str, Any]:
        """Return the JSON content of a cell; the whole file is read and checked."""
        return self.read(cell)[0]

    def read_arrays(self, cell: str) -> dict[str, np.ndarray]:
        """Return the arrays of a cell; the whole file is read and checked."""
        return self.read(cell)[1]

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Hold the right to compute the cell ``name``; yields False if another process has it.

        The operating system takes the right back from a process that dies.
        """
        lock = filelock.FileLock(self._lock_file(name))
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            yield False
            return
        try:
            # Only a process killed while writing leaves one, and only the claimant writes.
            for partial in self.path(name).parent.glob(f".{self.path(name).name}.*.partial"):
                partial.unlink(missing_ok=True)
            yield True
        finally:
            lock.release()

    def _lock_file(self, name: str) -> Path:
        return self.directory / "locks" / f"{name}.lock"

    def forget_claims(self) -> None:
        """Remove the lock files of finished cells, which nobody will compute any more."""
        for path in (self.directory / "cells").glob("*.safetensors"):
            self._lock_file(path.stem).unlink(missing_ok=True)

    def prepare(self) -> None:
        """Make the folders; raises UserError where that is impossible."""
        try:
            for folder in ("cells", "locks"):
                (self.directory / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{self.directory} cannot be used for a study: {error.strerror or error}."
            ) from None

    def discard_damaged(self, cell: str) -> str | None:
        """Remove the cell's file if it is damaged; return what was wrong, or None.

        A cell that another process has claimed is left alone.
        """
        if not self.has(cell):
            return None
        try:
            self.read(cell)
        except DamagedCell as error:
            with self.claim(cell) as mine:
                if not mine:
                    return None
                self.path(cell).unlink(missing_ok=True)
            return str(error)
        return None


def _digest(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(canonical_json(meta).encode())
    for name in sorted(arrays):
        array = arrays[name]
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\n{name}:{little.dtype.str}:{array.shape}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()
