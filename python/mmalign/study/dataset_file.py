"""The data of a running study as a file that all its worker processes map into memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from ..data.paired import PairedDataset
from ..errors import UserError
from ..files import atomic_path
from ..training import ViewData
from ..training.view import view_data


def write_dataset_file(dataset: PairedDataset, path: str | os.PathLike[str]) -> None:
    """Write every view as training takes it. Raises UserError where a view cannot be trained on.

    float32 inputs; workers map the file, so that data larger than a core's share of the memory
    is there once.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, rows in dataset.splits.items():
        arrays[f"split/{name}"] = np.ascontiguousarray(rows)
    for view in dataset.views:
        data = view_data(dataset, view)
        arrays["labels"] = data.labels.numpy()
        arrays[f"inputs/{view}"] = data.inputs.numpy()
        if data.padding is not None:
            arrays[f"padding/{view}"] = data.padding.numpy()
    header = json.dumps({"n_classes": dataset.n_classes, "task": dataset.task})
    try:
        with atomic_path(path) as temporary:
            safetensors.numpy.save_file(arrays, temporary, {"mmalign": header})
    except (OSError, safetensors.SafetensorError) as error:
        raise UserError(
            f"{path} ({sum(array.nbytes for array in arrays.values())} bytes) cannot be written: "
            f"{error}."
        ) from None


def read_view(path: str | os.PathLike[str], view: str) -> ViewData:
    """Map one view of a file that :func:`write_dataset_file` wrote."""
    with safetensors.safe_open(Path(path), framework="pt") as file:
        names = set(file.keys())
        padding = f"padding/{view}"
        header = json.loads(file.metadata()["mmalign"])
        return ViewData(
            file.get_tensor(f"inputs/{view}"),
            file.get_tensor("labels"),
            {split: file.get_tensor(f"split/{split}") for split in ("train", "valid", "test")},
            header["n_classes"],
            file.get_tensor(padding) if padding in names else None,
            header["task"],
        )
