"""The directory of a measurement: its finished cells, and who may write them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from ..errors import UserError
from ..files import write_json
from ..study.store import CellStore

_MARK = "measurements.json"


def open_directory(directory: str | os.PathLike[str]) -> CellStore:
    """Make a directory for measurements, or return to one; raises UserError if it is another's."""
    path = Path(directory)
    if path.exists() and not (path / _MARK).exists() and (path.is_file() or any(path.iterdir())):
        raise UserError(
            f"{path} is there and holds something other than measurements; choose another."
        )
    store = CellStore(path)
    store.prepare()
    if not (path / _MARK).exists():
        write_json(path / _MARK, {"kind": "measurements", "format": 1})
    return store


@contextmanager
def only_run(store: CellStore) -> Iterator[None]:
    """Refuse a directory that another process measures into.

    What a killed process left half-written is removed.
    """
    lock = filelock.FileLock(store.directory / "locks" / "measurements.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(
            f"Another process measures into {store.directory}; wait for it or choose another."
        ) from None
    try:
        for partial in store.directory.rglob(".*.partial"):
            partial.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def sound(store: CellStore, cell: str) -> bool:
    """Whether the cell is there and whole; one that is damaged is removed."""
    return store.has(cell) and store.discard_damaged(cell) is None
