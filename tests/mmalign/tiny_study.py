"""A study of seconds, as a fixture and, run as a script, as a process that can be killed.

python tiny_study.py DIRECTORY [name=value ...], with the names of :func:`tiny_study`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from mmalign.data.paired import PairedDataset, paired_dataset
from mmalign.study import Alignment, EncoderCell, Study, run_study


def tiny_dataset(n: int = 240, noise: float = 0.3) -> PairedDataset:
    """Three classes seen as sequences of four padded tokens and as 8 x 8 pictures."""
    random = np.random.default_rng(0)
    labels = np.arange(n) % 3
    sequences = random.normal(size=(3, 4, 6))[labels] + noise * random.normal(size=(n, 4, 6))
    pictures = random.normal(size=(3, 8, 8))[labels] + noise * random.normal(size=(n, 8, 8))
    padding = np.arange(4) >= random.integers(2, 5, size=n)[:, None]
    rows = np.arange(n)
    return paired_dataset(
        "tiny",
        {"sequence": sequences.astype(np.float32), "picture": pictures.astype(np.float32)},
        labels.astype(np.int64),
        {"train": rows[: n // 2], "valid": rows[n // 2 : 3 * n // 4], "test": rows[3 * n // 4 :]},
        3,
        {"sequence": padding},
    )


def tiny_study(
    epochs: int = 3,
    depths: tuple[int, ...] = (1, 2),
    width: int = 8,
    learning_rates: Mapping[str, float] = MappingProxyType({}),
) -> Study:
    """Encoders of both views by depth; "picture 1" may be given a learning rate of its own."""
    dataset = tiny_dataset()
    cells = [
        EncoderCell(
            dataset=dataset.fingerprint,
            dataset_name=dataset.name,
            view=view,
            encoder=encoder,
            depth=depth,
            seed=1,
            epochs=epochs,
            learning_rate=learning_rates.get(f"{view} {depth}", 3e-3),
            batch_size=32,
            options=options,
        )
        for view, encoder, options in (
            ("picture", "mlp", {"width": width}),
            ("sequence", "transformer", {"width": width, "readout": "mean"}),
        )
        for depth in depths
    ]
    alignments = (
        Alignment("mutual_knn", "picture", "sequence", {"k": 5}),
        Alignment("cka", "picture", "sequence", {"kernel": "rbf"}),
    )
    return Study("tiny", "test", dataset.fingerprint, dataset.name, tuple(cells), alignments)


def cell_bytes(directory: Path) -> dict[str, bytes]:
    """Return every file in cells/, hidden ones too, by name."""
    return {path.name: path.read_bytes() for path in (directory / "cells").iterdir()}


def identities(directory: Path) -> dict[str, tuple[int, int]]:
    """Identify every finished cell's file; one that is written again is another file."""
    found = {}
    for path in (directory / "cells").glob("*.safetensors"):
        found[path.name] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return found


def log_of(directory: Path, event: str) -> list[dict]:
    """Return the entries of log.jsonl with one event."""
    lines = (directory / "log.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["event"] == event]


if __name__ == "__main__":
    options = {name: json.loads(value) for name, value in (a.split("=") for a in sys.argv[2:])}
    if "depths" in options:
        options["depths"] = tuple(options["depths"])
    try:
        run_study(tiny_study(**options), tiny_dataset(), sys.argv[1], workers=2)
    except KeyboardInterrupt as interrupt:
        sys.exit(f"interrupted: {interrupt}")
    except ValueError as error:
        sys.exit(f"{type(error).__name__}: {error}")
