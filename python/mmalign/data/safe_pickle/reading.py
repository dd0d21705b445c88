"""From a path to the content of a pickle."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...files import require_file
from .faults import Damaged, Refused
from .machine import Machine
from .plain import check_plain


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Read a pickle of numpy arrays and plain values; nothing in it is called.

    Admitted: dict, list, tuple, str, bytes, int, float, bool, None, and numpy arrays and scalars
    of booleans, integers, floats and text; arrays of objects when the objects are admitted
    themselves. Protocols 2 to 5, those of Python 2 included (its strings are read as Latin-1).
    numpy scalars come back as Python's numbers, raw bytes of more than 255 as a memoryview.

    Arrays are read-only views of the mapped file: the file's size is not allocated, and what it
    merely claims never is. Raises UserError, naming the file, for any other object (by its name),
    for a truncated or damaged file, and for containers that hold themselves, are nested more than
    100 deep or unfold into far more than the file's size.
    """
    path = Path(path)
    require_file(path)
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
    try:
        value = Machine(memoryview(content)).run()
        check_plain(value, size)
    except Refused as refusal:
        raise UserError(
            f"{path} holds {refusal}, which is not read: a pickle may hold numpy arrays, dict, "
            "list, tuple, text and numbers, and nothing that could run code."
        ) from None
    except Damaged as damage:
        raise UserError(
            f"{path} ({size} bytes) is truncated, damaged or not a pickle: {damage}."
        ) from None
    return value
