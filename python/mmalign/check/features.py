"""Checking files of features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shlex import quote

import numpy as np

from ..data.features import load_features
from .arrays import row_digests, summarise
from .report import ArraySummary, Report


def check_features(path: Path) -> Report:
    """Report on the layers of a file of features; UserError when it cannot be read.

    A layer of which no score is defined is a warning while there are others, as measurements
    leave it out and go on.
    """
    layers = load_features(path)
    n = layers[0][1].shape[0]
    report = Report(path, "features", f"features of {n} samples in {len(layers)} layers")
    faults: dict[tuple[str, str, str], list[str]] = {}
    for name, array in layers:
        stored = str(array.dtype).removeprefix("torch.")
        # numpy lacks bfloat16, and float32 has all its values.
        values = array if isinstance(array, np.ndarray) else array.float().numpy()
        summarise(report, name, values)
        report.arrays[-1] = replace(report.arrays[-1], dtype=stored)
        for fault in _faults(report.arrays[-1], values):
            faults.setdefault(fault, []).append(report.arrays[-1].name)
    useless = {name for fault, names in faults.items() if fault[0] == "error" for name in names}
    some_left = len(useless) < len(layers)
    for (severity, what, remedy), names in faults.items():
        if severity == "error" and some_left:
            severity, remedy = "warning", f"{remedy}; measurements leave the layer out"
        report.add(severity, _joined(names), what, remedy)
    report.use.append(f"measure {quote(str(path))} OTHER")
    return report


def _faults(summary: ArraySummary, array: np.ndarray) -> Iterator[tuple[str, str, str]]:
    """Yield severity, fault and remedy of a layer; "error" where it has no score at all."""
    if summary.nan or summary.infinite:
        found = f"{summary.nan} values are NaN, {summary.infinite} infinite"
        yield "error", found, "extract it again; features must be finite"
        return
    if summary.constant_features == array.shape[1]:
        yield "error", "all features are constant", "a score of it would be 0/0"
        return
    zero = int(np.sum(~array.any(axis=1)))
    if zero:
        yield "warning", f"{zero} samples are all zero", "leave them out: they have no cosine"
    if summary.constant_features:
        count = summary.constant_features
        yield "note", f"{count} features are constant", "none: they count for nothing"
    repeated = len(array) - len(set(row_digests(array))) - max(zero - 1, 0)
    if repeated:
        remedy = "leave repeated samples out: each is its twin's nearest neighbour"
        yield "warning", f"{repeated} samples repeat an earlier one", remedy


def _joined(names: list[str]) -> str:
    """Name the layers that share a fault: all of them by the first and the last."""
    return ", ".join(names) if len(names) < 4 else f"{names[0]}, ..., {names[-1]} ({len(names)})"
