"""HDF5 files, of which only plain arrays that lie in the file itself are read.

HDF5 can point elsewhere (links, external storage, virtual datasets) and claim more than it holds;
each of these is refused by name before anything is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..files import require_file
from ..optional import require
from .arrays import one_line

if TYPE_CHECKING:
    import h5py

SUFFIXES = (".h5", ".hdf5")
# Filters that h5py always has; any other would be a plug-in found on the machine.
FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
# Deflate makes at most 1,032 bytes of one.
MAX_EXPANSION = 1032


@contextmanager
def open_hdf5(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; whatever its library reports becomes a UserError."""
    h5py = require("h5py", "HDF5 files", extra="hdf5")
    path = Path(path)
    require_file(path)
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except UserError:
        raise
    # h5py answers damage with OSError, KeyError, RuntimeError, ValueError, TypeError and others.
    except Exception as error:
        raise UserError(
            f"{path} is truncated, damaged or not an HDF5 file ({one_line(error)})."
        ) from None


def hdf5_group(file: h5py.File, name: str) -> h5py.Group:
    """Return a group below the root of ``file``."""
    import h5py

    group = _linked(file, name)
    if not isinstance(group, h5py.Group):
        raise UserError(f"{file.filename}: {name} is no group.")
    return group


def hdf5_array(group: h5py.Group, name: str) -> np.ndarray:
    """Read one dataset of numbers or text of ``group`` as a whole."""
    import h5py

    dataset = _linked(group, name)
    where = f"{group.file.filename}: {_place(group, name)}"
    if not isinstance(dataset, h5py.Dataset):
        raise UserError(f"{where} is no dataset.")
    if dataset.is_virtual:
        raise UserError(f"{where} is a virtual dataset, whose values lie in other files.")
    if dataset.external:
        raise UserError(f"{where} keeps its values in the file {dataset.external[0][0]!r}.")
    if dataset.shape is None:
        raise UserError(f"{where} holds nothing (its shape is null).")
    text = h5py.check_string_dtype(dataset.dtype) is not None
    if dataset.dtype.kind not in "fiub" and not text:
        kind = "references" if h5py.check_ref_dtype(dataset.dtype) else f"type {dataset.dtype}"
        raise UserError(f"{where} holds {kind}; expected numbers or text.")
    _check_filters(where, dataset)
    _check_claim(where, dataset)
    return dataset[()]


def holds(group: h5py.Group, name: str) -> bool:
    """Whether ``group`` has a link of this name, wherever it points."""
    return group.id.links.exists(name.encode())


def _linked(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    from h5py import h5l

    where = f"{group.file.filename}: {_place(group, name)}"
    if not holds(group, name):
        found = ", ".join(sorted(group)[:20]) or "nothing"
        raise UserError(f"{where} does not exist; beside it there is {found}.")
    # h5py's own look at a link follows it, into another file if need be.
    links = group.id.links
    kind = links.get_info(name.encode()).type
    if kind == h5l.TYPE_HARD:
        return group[name]
    if kind not in (h5l.TYPE_SOFT, h5l.TYPE_EXTERNAL):
        raise UserError(f"{where} is a link of an unknown kind.")
    target = links.get_val(name.encode())
    if kind == h5l.TYPE_SOFT:
        raise UserError(f"{where} is a link to {os.fsdecode(target)}.")
    file, place = map(os.fsdecode, target)
    raise UserError(f"{where} is a link to {place} in the file {file!r}.")


def _place(group: h5py.Group, name: str) -> str:
    return f"{group.name.strip('/')}/{name}".lstrip("/")


def _check_filters(where: str, dataset: h5py.Dataset) -> None:
    properties = dataset.id.get_create_plist()
    for index in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(index)
        if code not in FILTERS:
            raise UserError(
                f"{where} is packed with the filter {name.decode('ascii', 'replace')!r} ({code}); "
                f"read are {', '.join(FILTERS.values())}."
            )


def _check_claim(where: str, dataset: h5py.Dataset) -> None:
    """Refuse a dataset or a chunk that claims more than its stored bytes can unfold into."""
    item = dataset.id.get_type().get_size()
    claimed = item * max(int(np.prod(dataset.shape, dtype=object)), 0)
    chunk = item * int(np.prod(dataset.chunks or (0,), dtype=object))
    stored = min(dataset.id.get_storage_size(), Path(dataset.file.filename).stat().st_size)
    # A chunk at the edge is stored whole, so a small dataset may have one that is larger than it.
    if max(claimed, chunk) > MAX_EXPANSION * stored:
        raise UserError(
            f"{where} claims {max(claimed, chunk)} bytes, shape {dataset.shape}, of which {stored} "
            "are in the file."
        )
