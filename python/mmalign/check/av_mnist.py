"""Checking directories in the layout of AV-MNIST."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import numpy as np

from ..data.arrays import open_npy
from ..data.av_mnist import FILES, PARTS, load_av_mnist
from ..errors import UserError
from .arrays import counted, note_shared_samples, row_digests, summarise
from .report import Report


def check_av_mnist(path: Path) -> Report:
    """Report on a directory with the files of AV-MNIST; usable when its loader reads it."""
    report = Report(path, "av-mnist", "AV-MNIST: digits seen and heard")
    opened: dict[str, np.ndarray] = {}
    for file in FILES:
        try:
            opened[file] = open_npy(path / file)
        except UserError as error:
            report.add("error", file, str(error).rstrip("."), "get or write the file again")
        else:
            summarise(report, file, opened[file])
    for part in PARTS:
        labels = opened.get(f"{part}_labels.npy")
        if labels is not None and labels.ndim == 1 and labels.dtype.kind in "fiu":
            report.splits.append(counted(part, labels))
    images = {part: opened.get(f"image/{part}_data.npy") for part in PARTS}
    if all(array is not None and array.dtype.kind in "fiu" for array in images.values()):
        digests = {part: row_digests(array) for part, array in images.items()}
        note_shared_samples(report, "image", digests)
    if report.usable:
        try:
            load_av_mnist(path)
        except UserError as error:
            report.add("error", "files", str(error).rstrip("."), "repair or write the file again")
        else:
            report.use += [
                f"study av-mnist --path {quote(str(path))}",
                f'load_dataset("av-mnist:{path}")',
            ]
    return report
