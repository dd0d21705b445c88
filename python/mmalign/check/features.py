"""Checking files of features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote

import numpy as np

from ..data.features import load_features
from .arrays import row_digests, summarise
from .report import ArraySummary, Report


def check_features(path: Path) -> Report:
    """Report on the layers of a file of features; UserError when it cannot be read."""
    layers = load_features(path)
    n = layers[0][1].shape[0]
    report = Report(path, "features", f"features of {n} samples in {len(layers)} layers")
    for name, array in layers:
        stored = str(array.dtype).removeprefix("torch.")
        # numpy lacks bfloat16, and float32 has all its values.
        values = array if isinstance(array, np.ndarray) else array.float().numpy()
        summarise(report, name, values)
        report.arrays[-1] = replace(report.arrays[-1], dtype=stored)
        _check_layer(report, report.arrays[-1], values)
    report.use.append(f"measure {quote(str(path))} OTHER")
    return report


def _check_layer(report: Report, summary: ArraySummary, array: np.ndarray) -> None:
    name = summary.name
    if summary.nan or summary.infinite:
        report.add(
            "error",
            name,
            f"{summary.nan} values are NaN, {summary.infinite} infinite",
            "extract it again; features must be finite",
        )
        return
    zero = int(np.sum(~array.any(axis=1)))
    if zero:
        report.add(
            "warning", name, f"{zero} samples are all zero", "cosines need --zero-rows exclude"
        )
    if summary.constant_features == array.shape[1]:
        report.add("error", name, "all features are constant", "a score of it would be 0/0")
    elif summary.constant_features:
        count = summary.constant_features
        report.add("note", name, f"{count} features are constant", "none: they count for nothing")
    repeated = len(array) - len(set(row_digests(array))) - max(zero - 1, 0)
    if repeated:
        report.add(
            "warning",
            name,
            f"{repeated} samples repeat an earlier one",
            "leave repeated samples out: each is its twin's nearest neighbour",
        )
