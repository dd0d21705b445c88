"""Small affect files in exactly the formats of MultiBench."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from mmalign.data.affect import affect_layout

SIZES = {"train": 24, "valid": 8, "test": 10}


def affect_content(
    name: str, sizes: dict[str, int] = SIZES, steps: int = 50, seed: int = 0, signal: float = 1.0
) -> dict[str, dict[str, np.ndarray]]:
    """Return what the pickle of a dataset holds: splits of vision, audio, text, labels, id.

    Every sample has zeros before its first step with text (none to steps - 3); all modalities
    carry the label with strength ``signal``. float32, labels and ids in the dataset's own shapes.
    """
    layout = affect_layout(name)
    generator = np.random.default_rng(seed)
    directions = {view: generator.normal(size=width) for view, width in layout.widths.items()}
    return {
        split: _split(layout, split, n, steps, signal, generator, directions)
        for split, n in sizes.items()
    }


def _split(layout, split, n, steps, signal, generator, directions):
    starts = generator.integers(0, steps - 2, n)
    score = generator.uniform(-3, 3, n)
    content = {}
    for view, width in layout.widths.items():
        noise = generator.normal(size=(n, steps, width))
        values = noise + signal * score[:, None, None] * directions[view]
        values[np.arange(steps) < starts[:, None]] = 0
        content[view] = values.astype(np.float32)
    if layout.task == "regression":
        content["labels"] = score.astype(np.float32).reshape(n, 1, 1)
        content["id"] = np.array([[f"{split}{i // 2}", str(i), str(i + 1)] for i in range(n)])
    elif layout.name == "sarcasm":
        content["labels"] = np.where(score > 0, 1, -1).reshape(n, 1)
        content["id"] = np.array([f"{split}_{i}" for i in range(n)])
    else:
        content["labels"] = (score > 0).astype(np.int64).reshape(n, 1)
        content["id"] = np.array([[1000 * list(SIZES).index(split) + i] for i in range(n)])
    return content


def write_affect(directory: Path, name: str, protocol: int = 4, **settings) -> Path:
    """Write the file of a dataset at its usual place below ``directory``; return the file."""
    path = directory / affect_layout(name).file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(affect_content(name, **settings), protocol=protocol))
    return path
