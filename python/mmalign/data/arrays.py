"""Reading and writing ``.npy`` files: nothing in them runs, and every fault names the file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..files import atomic_path, require_file


def open_npy(path: str | os.PathLike[str]) -> np.ndarray:
    """Map a ``.npy`` file into memory, read only.

    Nothing is allocated for what the header claims: a claim beyond the file's size is an error.
    Raises UserError for a missing, truncated or damaged file and for Python objects.
    """
    path = Path(path)
    require_file(path)
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
    # A damaged header is met by numpy, Python's tokenizer and its parser, each with its own errors.
    except Exception as error:
        raise UserError(
            f"{path} ({path.stat().st_size} bytes) is truncated or not a .npy array of numbers "
            f"({one_line(error)})."
        ) from None
    return array


def write_npy(path: str | os.PathLike[str], array: np.ndarray) -> None:
    """Write ``array`` as ``.npy``, atomically."""
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        np.lib.format.write_array(stream, array, allow_pickle=False)


def sha256_of_file(path: str | os.PathLike[str]) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
    return digest.hexdigest()


def one_line(error: BaseException) -> str:
    """Return the first line of an error's text, cut where a file made it endless."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return lines[0].rstrip(".") if len(lines[0]) <= 300 else f"{lines[0][:300]}..."
