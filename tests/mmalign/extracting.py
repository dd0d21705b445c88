"""Running an extraction in this process."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from rich.console import Console

from mmalign.data.features import load_features
from mmalign.data.safetensors_file import map_tensors, read_feature_header
from mmalign.extract import Extraction, extract_features, open_samples, open_source


def extract(model, data, out, *, column=None, console=None, **settings) -> Path:
    return extract_features(
        open_source(model),
        open_samples(data, column),
        out,
        Extraction(**settings),
        console or Console(file=io.StringIO(), width=200),
    )


def layers_of(path: Path) -> list[np.ndarray]:
    """Return the layers, bfloat16 as float32."""
    arrays = [array for _, array in load_features(path)]
    return [array if isinstance(array, np.ndarray) else array.float().numpy() for array in arrays]


def tensor_of(path: Path, name: str) -> np.ndarray:
    return map_tensors(path)[name]


def header_of(path: Path) -> dict:
    return read_feature_header(path)


def write_texts(path: Path, texts) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path
