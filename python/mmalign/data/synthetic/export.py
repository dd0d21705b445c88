"""The data as files, for use elsewhere."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from ...errors import UserError
from ...files import atomic_path, read_json, write_json
from ...optional import require
from ..arrays import sha256_of_file
from ..cache import make_directory_once
from .describe import describe_synthetic
from .generate import synthetic_data
from .settings import MAX_TRANSFORM_DEPTH, SyntheticSettings, check_whole_number

RECIPE_NAME = "recipe.json"
RECIPE_VERSION = 1
"""Raised whenever the same settings would give other data."""


def export_synthetic(
    directory: str | os.PathLike[str],
    settings: SyntheticSettings,
    redundancies: tuple[int, ...] | None = None,
    transform_depths: tuple[int, ...] | None = None,
    *,
    pid: bool = True,
) -> Path:
    """Write the data of each redundancy and transform depth; return the directory.

    directory: new or empty, or with the same data, which is then left as it is.
    redundancies, transform_depths: all by default.

    ``redundancy-R-depth-D.safetensors`` holds view_1 and view_2, (n, features) float32, every
    feature standardised over the training samples; labels, (n,) int64; and the row numbers train,
    valid and test, (m,) int64, in order. ``recipe.json`` holds what was asked, the ground truth of
    :func:`describe_synthetic`, and the sha256 of each file. Appears as a whole or not at all.
    Raises UserError for numbers out of range or a directory that holds something else.
    """
    if redundancies is None:
        redundancies = tuple(range(settings.task_bits + 1))
    if transform_depths is None:
        transform_depths = tuple(range(MAX_TRANSFORM_DEPTH + 1))
    for redundancy in redundancies:
        check_whole_number("redundancy", redundancy, 0, settings.task_bits)
    for depth in transform_depths:
        check_whole_number("transform_depth", depth, 0, MAX_TRANSFORM_DEPTH)
    asked = {
        "name": "synthetic",
        "version": RECIPE_VERSION,
        "settings": asdict(settings),
        "redundancies": list(redundancies),
        "transform_depths": list(transform_depths),
    }
    target = Path(directory).absolute()
    make_directory_once(
        target,
        is_complete=lambda path: _is_written(path, asked),
        make=lambda path: _write(path, settings, asked, pid),
    )
    return target


def _is_written(directory: Path, asked: dict[str, object]) -> bool:
    path = directory / RECIPE_NAME
    if not path.exists():
        return False
    record = read_json(path)
    if not isinstance(record, dict) or record.get("recipe") != asked:
        raise UserError(f"{directory} holds data made to another recipe; give another directory.")
    return True


def _write(
    directory: Path, settings: SyntheticSettings, asked: dict[str, object], pid: bool
) -> None:
    save_file = require("safetensors.numpy", "writing synthetic data").save_file
    checksums = {}
    for redundancy in asked["redundancies"]:
        for depth in asked["transform_depths"]:
            data = synthetic_data(settings, redundancy, depth)
            name = f"redundancy-{redundancy}-depth-{depth}.safetensors"
            arrays = {"view_1": data.view(1), "view_2": data.view(2), "labels": data.labels}
            with atomic_path(directory / name) as temporary:
                save_file(arrays | data.splits, temporary)
            checksums[name] = sha256_of_file(directory / name)
    truth = describe_synthetic(settings, pid=pid)["rows"]
    record = {"recipe": asked, "ground_truth": truth, "checksums": checksums}
    write_json(directory / RECIPE_NAME, record)
