"""The folder of a study: what was asked, what is finished, and how long it took."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO

import filelock

from ..errors import UserError
from ..files import read_json, write_json
from .description import Study, study_from_json
from .store import CellStore


class StudyDirectory:
    """``study.json``, ``cells/`` and ``log.jsonl`` of one study.

    study.json: the study's description with the versions it was started with; never rewritten.
    log.jsonl:  one JSON object per line; the only file with clocks and host facts.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.store = CellStore(self.path)

    def open(self, study: Study) -> list[str]:
        """Begin or resume ``study`` here; return the versions that changed since it began.

        Raises UserError if the directory belongs to another study or cannot be written.
        """
        self.store.prepare()
        asked = json.loads(json.dumps(study.describe()))
        with self.exclusive():
            if not self._file.exists():
                if any((self.path / "cells").glob("*.safetensors")):
                    raise UserError(
                        f"{self.path} holds finished cells but no study.json; use another "
                        f"directory, or put study.json back."
                    )
                write_json(self._file, {**asked, "versions": versions()})
                return []
        found = self.read()
        _check_same(self.path, found, asked)
        recorded = found.get("versions", {})
        return [
            f"{name} {recorded.get(name, 'unknown')} -> {version}"
            for name, version in versions().items()
            if recorded.get(name) != version
        ]

    @property
    def _file(self) -> Path:
        return self.path / "study.json"

    def read(self) -> dict[str, Any]:
        """Return the content of study.json."""
        if not self._file.exists():
            raise UserError(f"{self.path} is not the directory of a study: it has no study.json.")
        content = read_json(self._file)
        if not isinstance(content, dict):
            raise UserError(f"{self._file} does not describe a study.")
        return content

    def study(self) -> Study:
        """Return the study this directory belongs to."""
        return study_from_json(self.read())

    @contextmanager
    def log(self) -> Iterator[RunLog]:
        """Append to log.jsonl for the length of one run."""
        path = self.path / "log.jsonl"
        # A run that was killed while it wrote leaves half a line; it must not spoil the next.
        broken = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
        with open(path, "a", encoding="utf-8") as stream:
            if broken:
                stream.write("\n")
            yield RunLog(stream)

    def elapsed_seconds(self) -> float | None:
        """Return the wall time of all runs so far, up to the last thing each one logged."""
        path = self.path / "log.jsonl"
        if not path.exists():
            return None
        last: dict[str, float] = {}
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                last[entry["run"]] = float(entry["elapsed"])
            except (ValueError, KeyError, TypeError):
                continue
        return sum(last.values()) if last else None

    @property
    def dataset_file(self) -> Path:
        """Where a run keeps the data for its workers; gone when the study is finished."""
        return self.path / "dataset.safetensors"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other runs from writing the files that belong to no single cell."""
        with filelock.FileLock(self.path / "locks" / "study.lock"):
            yield

    def tidy(self) -> None:
        """Remove what only an unfinished study needs; within :meth:`exclusive`.

        Another run that is still here finds every cell finished and needs none of it either. The
        folder of the locks stays: that run may be waiting at the door of :meth:`exclusive`.
        """
        self.dataset_file.unlink(missing_ok=True)
        for partial in self.path.glob(".*.partial"):
            partial.unlink(missing_ok=True)
        self.store.forget_claims()


class RunLog:
    """Lines of log.jsonl: "run" (which one), "elapsed" (seconds since it began) and the event."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._run = f"{time.strftime('%Y-%m-%dT%H:%M:%S')}-{os.getpid()}"

    def write(self, event: str, **facts: Any) -> None:
        """Append one event; the line is written at once, so that a kill loses at most one."""
        entry = {
            "run": self._run,
            "elapsed": round(time.monotonic() - self._started, 3),
            "event": event,
            **facts,
        }
        self._stream.write(json.dumps(entry) + "\n")
        self._stream.flush()


def versions() -> dict[str, str]:
    """Return the versions of what the numbers depend on."""
    installed = {}
    for shown, package in (
        ("mmalign", "mmkernels"),
        ("mmkernels", "mmkernels"),
        ("numpy", "numpy"),
        ("torch", "torch"),
    ):
        try:
            installed[shown] = metadata.version(package)
        except metadata.PackageNotFoundError:
            installed[shown] = "not installed"
    return {**installed, "python": platform.python_version()}


def _check_same(path: Path, found: dict[str, Any], asked: dict[str, Any]) -> None:
    """Compare what decides results: the cells and the alignments, not the names."""
    for key in ("cells", "alignments"):
        if not isinstance(found.get(key), list):
            raise UserError(f"{path / 'study.json'} does not describe a study (no {key!r}).")
    if found["cells"] == asked["cells"] and found["alignments"] == asked["alignments"]:
        return
    here = {cell.get("hash") for cell in found["cells"]}
    wanted = {cell["hash"] for cell in asked["cells"]}
    raise UserError(
        f"{path} belongs to another study ({found.get('name')!r}, preset {found.get('preset')!r}, "
        f"{len(here)} encoders, {len(found['alignments'])} alignments); the study asked for "
        f"({asked['name']!r}, preset {asked['preset']!r}, {len(wanted)} encoders, "
        f"{len(asked['alignments'])} alignments) shares {len(here & wanted)} encoders with it. "
        f"Use another directory."
    )
