"""Features in the layout that platonic-rep's scripts read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import safetensors
import torch

from ..data.safetensors_file import read_feature_header
from ..errors import UserError
from ..files import atomic_path

_POOLING = {"mean": "avg", "cls": "cls", "last": "last"}


def write_platonic(features: str | os.PathLike[str], root: str | os.PathLike[str]) -> Path:
    """Write a feature file of ``mmalign extract`` as ROOT/DATA/MODEL_pool-POOLING.pt.

    A dictionary with "feats" (n, layers, width) in the type of the features, "num_params", and for
    a causal language model "bpb", the mean of the bits per byte that are defined. Of an image
    model the scripts want the blocks only, so layer_000 is left out. Their measure_alignment.py
    finds it with ``--input_dir ROOT --dataset . --subset DATA``. Layers of different widths,
    which do not fit in one tensor, are a list of (n, width). Memory: one layer; the disk holds
    the features once more meanwhile.
    """
    meta = read_feature_header(features)
    if meta is None:
        raise UserError(
            f"{features} does not say what it holds; expected a file of mmalign extract."
        )
    names = [
        name for name in meta["layers"] if not (meta["modality"] == "image" and name == "layer_000")
    ]
    if not names:
        raise UserError(f"{features} holds no layer after the first block.")
    pooling = _POOLING[meta["pooling"]]
    name = f"{meta['model'].replace('/', '_')}_pool-{pooling}.pt"
    target = Path(root) / meta["data"]["name"] / name
    with safetensors.safe_open(features, framework="pt") as file:
        content: dict[str, object] = {"num_params": meta["parameters"]}
        if "bits_per_byte" in file.keys():  # noqa: SIM118
            content["bpb"] = file.get_tensor("bits_per_byte").nanmean()
        shapes = {tuple(file.get_slice(name).get_shape()) for name in names}
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent) as scratch, atomic_path(target) as temporary:
            if len(shapes) == 1:
                ((n, width),) = shapes
                content["feats"] = _stacked(file, names, (n, len(names), width), scratch)
            else:
                content["feats"] = [file.get_tensor(name) for name in names]
            torch.save(content, temporary)
    return target


def _stacked(file, names: list[str], shape: tuple[int, int, int], scratch) -> torch.Tensor:
    """Stack layers along axis 1 in a mapped scratch file, one at a time."""
    dtype = file.get_tensor(names[0]).dtype
    size = int(np.prod(shape)) * dtype.itemsize
    os.posix_fallocate(scratch.fileno(), 0, size)
    mapped = np.memmap(scratch, np.uint8, "r+", shape=(size,))
    stack = torch.from_numpy(mapped).view(dtype).view(shape)
    for position, name in enumerate(names):
        stack[:, position] = file.get_tensor(name)
    return stack
