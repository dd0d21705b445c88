"""A feature file in the making: mapped into memory, and kept through whatever stops the run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from ..data.checksums import tensor_digest
from ..errors import UserError
from .feature_file import (
    STORAGE,
    TensorSpec,
    header_bytes,
    reserved_header_size,
)

# What a power cut may cost; a killed process loses the batch that was under way.
_COMMIT_SECONDS = 1.0


class PartialFeatures:
    """Tensors that are filled row by row, next to ``path``, which appears when all are there.

    ``.NAME.partial`` has the final size from the start, so a full disk shows at once;
    ``.NAME.journal`` has a line for each batch that is safely in it: its rows, their sha256, and
    what the run has to know to go on. What the journal does not vouch for is computed again.

    meta: the header's account, JSON; with another one than the journal's a UserError says what
    differs. ``done`` rows (in the order they were written), ``budget`` (None at first) and
    ``counts`` are what an earlier run left.
    """

    def __init__(
        self, path: Path, specs: Sequence[TensorSpec], meta: Mapping[str, Any], n: int
    ) -> None:
        self.path = path
        self.partial = path.with_name(f".{path.name}.partial")
        self.journal = path.with_name(f".{path.name}.journal")
        self._specs = list(specs)
        self._meta = dict(meta)
        self._start = reserved_header_size(specs, meta, n)
        self._size = self._start + sum(spec.nbytes for spec in specs)
        self.done = 0
        self.budget: int | None = None
        self.counts = dict.fromkeys(meta.get("counts", {}), 0)
        self.lost = 0
        self._pending: list[str] = []
        self._committed = time.monotonic()
        records = self._read_journal()
        if records is None:
            self._create()
        self._map()
        if records is not None:
            self._accept(records)

    def write(
        self,
        rows: Sequence[int],
        arrays: Mapping[str, np.ndarray],
        budget: int,
        counts: Mapping[str, int],
    ) -> None:
        """Put a batch in its rows; ``counts`` are added to those of the header."""
        for name, view in self._views.items():
            view[rows] = arrays[name]
        for name, count in counts.items():
            self.counts[name] += count
        self.done += len(rows)
        self.budget = budget
        record = {
            "rows": [int(row) for row in rows],
            "sha256": self._digest(rows),
            "done": self.done,
            "budget": budget,
            "counts": self.counts,
        }
        self._pending.append(json.dumps(record) + "\n")
        if time.monotonic() - self._committed >= _COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Bring what was written to the disk, then the journal's lines that vouch for it."""
        # Taken out first: an interrupt in here must not lead to a line written twice.
        lines, self._pending = self._pending, []
        if lines:
            self._mapping.flush()
            with open(self.journal, "a", encoding="utf-8") as stream:
                stream.write("".join(lines))
                stream.flush()
                os.fsync(stream.fileno())
            # The pages are on the disk and in its cache; they need not count as this process's.
            if hasattr(mmap, "MADV_DONTNEED"):
                self._mapping.madvise(mmap.MADV_DONTNEED)
        self._committed = time.monotonic()

    @property
    def names(self) -> list[str]:
        """The names of the tensors, in the order of the file."""
        return [spec.name for spec in self._specs]

    def view(self, name: str) -> np.ndarray:
        """Return a tensor as it stands; bfloat16 as the integers of its bits."""
        return self._views[name]

    def finish(self) -> None:
        """Add the header with its checksums and let the file appear under its name."""
        self.commit()
        digests = {name: tensor_digest(view) for name, view in self._views.items()}
        meta = {**self._meta, "counts": self.counts}
        self.close()
        with open(self.partial, "rb+") as stream:
            stream.write(header_bytes(self._specs, meta, digests, self._start))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(self.partial, self.path)
        self.journal.unlink()

    def close(self) -> None:
        """Let go of the file; what is committed stays."""
        self._views = {}
        # An error on its way up holds views in its frames; the mapping goes when they go.
        with contextlib.suppress(BufferError):
            self._mapping.close()

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(self.partial, "wb") as stream:
                _allocate(stream.fileno(), self._size)
            first = json.dumps({"meta": self._meta}, sort_keys=True)
            self.journal.write_text(first + "\n", encoding="utf-8")
        except BaseException as error:
            self.partial.unlink(missing_ok=True)
            self.journal.unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            free = shutil.disk_usage(self.path.parent).free
            raise UserError(
                f"{self.path} needs {self._size} bytes, {free} are free, and the system refuses: "
                f"{error.strerror or error}. Nothing was written."
            ) from None

    def _map(self) -> None:
        with open(self.partial, "rb+") as stream:
            self._mapping = mmap.mmap(stream.fileno(), self._size)
        self._views: dict[str, np.ndarray] = {}
        offset = self._start
        for spec in self._specs:
            dtype = STORAGE[spec.dtype][1]
            flat = np.frombuffer(self._mapping, dtype, spec.nbytes // dtype.itemsize, offset)
            self._views[spec.name] = flat.reshape(spec.shape)
            offset += spec.nbytes

    def _read_journal(self) -> list[dict[str, Any]] | None:
        """Return the journal's records, or None where there is nothing to go on from."""
        try:
            lines = self.journal.read_bytes().split(b"\n")
            before = dict(json.loads(lines[0])["meta"])
            size = self.partial.stat().st_size
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        records: list[dict[str, Any]] = []
        # The last line is empty, or what a killed process was writing.
        for line in lines[1:-1]:
            try:
                records.append(json.loads(line))
            except ValueError:
                break
        if not records:
            return None
        if (difference := first_difference(before, self._meta)) is not None:
            raise UserError(
                f"{self.partial} was begun with other settings ({difference}); repeat those, or "
                "delete it to start over."
            )
        if size != self._size:
            return None
        return records

    def _accept(self, records: list[dict[str, Any]]) -> None:
        """Take over the batches whose rows are what the journal says, up to the first damage."""
        kept: list[str] = []
        for record in records:
            try:
                done = self.done + len(record["rows"])
                whole = record["done"] == done and self._digest(record["rows"]) == record["sha256"]
                budget, counts = int(record["budget"]), dict(record["counts"])
            except (KeyError, TypeError, ValueError, IndexError):
                whole = False
            if not whole:
                break
            self.done, self.budget, self.counts = done, budget, counts
            kept.append(json.dumps(record) + "\n")
        self.lost = len(records) - len(kept)
        first = json.dumps({"meta": self._meta}, sort_keys=True) + "\n"
        fresh = self.journal.with_name(f"{self.journal.name}.new")
        fresh.write_text(first + "".join(kept), encoding="utf-8")
        os.replace(fresh, self.journal)

    def _digest(self, rows: Sequence[int]) -> str:
        digest = hashlib.sha256()
        for view in self._views.values():
            digest.update(np.ascontiguousarray(view[rows]))
        return digest.hexdigest()


def first_difference(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> str | None:
    """Return the first entry in which two accounts differ, as "pooling: mean, now last"."""
    for name in sorted({*old, *new}):
        before, now = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            if inner := first_difference(before, now, f"{prefix}{name}."):
                return inner
        elif before != now:
            return f"{prefix}{name}: {before}, now {now}"
    return None


def _allocate(descriptor: int, size: int) -> None:
    """Give a file its blocks now: writing through a mapping to a full disk kills the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    piece = bytes(1 << 20)
    for start in range(0, size, len(piece)):
        os.write(descriptor, piece[: size - start])


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Refuse a file that another process is writing."""
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(f"{path} is being written by another process.") from None
    try:
        yield
    finally:
        # Removed while it is held: a later process makes its own.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def remove_leftovers(path: Path) -> None:
    """Remove what a run left that was stopped after its file had appeared."""
    for name in (f".{path.name}.journal", f".{path.name}.journal.new"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(name).unlink()
