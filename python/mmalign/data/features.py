"""Features from files, one array per layer; nothing in a file is ever executed."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from ..files import require_file
from ..natural_order import natural_order
from ..optional import require
from .arrays import one_line, open_npy
from .safetensors_file import map_tensors

if TYPE_CHECKING:
    import torch

    Features = np.ndarray | torch.Tensor

SUFFIXES = (".npy", ".npz", ".safetensors", ".pt")


def load_features(path: str | os.PathLike[str], layer_axis: int = 0) -> list[tuple[str, Features]]:
    """Return the layers of a file as (name, (n_samples, n_features) array), in the file's order.

    A two-dimensional array is a layer, a three-dimensional one a stack of layers along
    ``layer_axis`` (0 or 1), named ``name[0]``, ``name[1]``, ... Arrays with fewer
    dimensions (labels, bits per byte) are passed over.

    .npy          one array, mapped into memory.
    .npz          its arrays, in their order.
    .safetensors  its tensors, mapped into memory, ordered by name with numbers as numbers:
                  layer_2 before layer_10.
    .pt           a tensor, or a list or dictionary of tensors; read with weights only. A dictionary
                  with "feats" is a file of platonic-rep, of which "feats" alone is read: samples x
                  layers x features whatever ``layer_axis``, or a list of samples x features.

    Arrays are numpy arrays; bfloat16, which numpy lacks, stays a torch tensor. Raises UserError,
    naming the file, for an unknown suffix, a missing, truncated or damaged file, Python objects,
    arrays that are not real numbers or have more than three dimensions, no layer at all, and
    layers of different numbers of samples.
    """
    if layer_axis not in (0, 1):
        raise UserError(f"layer_axis must be 0 or 1, got {layer_axis!r}.")
    path = Path(path)
    require_file(path)
    readers = {".npy": _read_npy, ".npz": _read_npz, ".safetensors": _read_safetensors}
    readers[".pt"] = _read_pt
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{path} has the suffix {path.suffix!r}; features are read from {', '.join(SUFFIXES)}."
        )
    layers = [
        layer for name, array in reader(path) for layer in _layers(path, name, array, layer_axis)
    ]
    if not layers:
        raise UserError(
            f"{path} holds no features: no array of two dimensions (samples, features) or three "
            "(layers, samples, features)."
        )
    first_name, first = layers[0]
    for name, array in layers:
        if array.shape[0] != first.shape[0]:
            raise UserError(
                f"{path} has {first.shape[0]} samples in {first_name} {tuple(first.shape)} but "
                f"{array.shape[0]} in {name} {tuple(array.shape)}; expected the same samples in "
                "every layer."
            )
    return layers


def _layers(
    path: Path, name: str, array: Features, layer_axis: int
) -> Iterator[tuple[str, Features]]:
    if array.ndim < 2:
        return
    shape = tuple(array.shape)
    if array.ndim > 3:
        raise UserError(
            f"{path}: {name} has {array.ndim} dimensions, shape {shape}; expected two (samples, "
            "features) or three (layers, samples, features)."
        )
    if isinstance(array, np.ndarray) and array.dtype.kind not in "fiub":
        raise UserError(f"{path}: {name} holds {array.dtype}; expected real numbers.")
    if 0 in shape:
        raise UserError(f"{path}: {name} is empty, shape {shape}.")
    if array.ndim == 2:
        yield name, array
        return
    for layer in range(shape[layer_axis]):
        yield f"{name}[{layer}]", array[layer] if layer_axis == 0 else array[:, layer]


def _read_npy(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    yield path.stem, open_npy(path)


def _read_npz(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.filename.endswith(".npy"):
                    raise ValueError(f"its entry {entry.filename!r} is not an array")
                with archive.open(entry) as stream:
                    _check_claim(stream, entry)
                with archive.open(entry) as stream:
                    array = np.lib.format.read_array(stream, allow_pickle=False)
                yield entry.filename.removesuffix(".npy"), array
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
    # Zip, zlib and the parser of array headers each have their own errors for damage.
    except Exception as error:
        raise UserError(
            f"{path} is damaged or not an .npz of numbers ({one_line(error)})."
        ) from None


def _check_claim(stream: Any, entry: zipfile.ZipInfo) -> None:
    """Refuse a header that claims more than the archive holds, before numpy allocates it."""
    version = np.lib.format.read_magic(stream)
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(stream)
    claimed = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and claimed > entry.file_size:
        raise ValueError(
            f"{entry.filename} claims {claimed} bytes, the archive has {entry.file_size}"
        )


def _read_safetensors(path: Path) -> Iterator[tuple[str, Features]]:
    tensors = map_tensors(path)
    for name in sorted(tensors, key=natural_order):
        yield name, tensors[name]


def _read_pt(path: Path) -> Iterator[tuple[str, Features]]:
    torch = require("torch", ".pt files")
    try:
        # Only the format of today, a zip archive, can be mapped.
        mapped = zipfile.is_zipfile(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
    # The restricted unpickler meets damage with whatever its machine runs into.
    except Exception as error:
        raise UserError(
            f"{path} is damaged or holds more than tensors, which is not read because it could "
            f"run code ({type(error).__name__})."
        ) from None
    if isinstance(content, torch.Tensor):
        named = {path.stem: content}
    elif isinstance(content, (list, tuple)):
        named = {f"{path.stem}[{number}]": value for number, value in enumerate(content)}
    elif isinstance(content, dict):
        named = _of_platonic_rep(content["feats"]) if "feats" in content else content
    else:
        raise UserError(
            f"{path} holds a {type(content).__name__}; expected a tensor, or a list or dictionary "
            "of tensors."
        )
    for name, value in named.items():
        if isinstance(value, torch.Tensor):
            yield str(name), _to_numpy(path, str(name), value)


def _of_platonic_rep(features: Any) -> dict[str, Any]:
    """Its "feats", samples x layers x features or a list of layers, by layer."""
    if not isinstance(features, (list, tuple)) and getattr(features, "ndim", 0) != 3:
        return {"feats": features}
    layers = features if isinstance(features, (list, tuple)) else features.unbind(1)
    return {f"feats[{number}]": layer for number, layer in enumerate(layers)}


def _to_numpy(path: Path, name: str, tensor: torch.Tensor) -> Features:
    torch = require("torch", ".pt files")
    tensor = tensor.detach()
    strided = tensor.layout == torch.strided and not tensor.is_nested and not tensor.is_meta
    stored = tensor.untyped_storage().nbytes() if strided else 0
    if strided and tensor.numel() * tensor.element_size() > stored:
        raise UserError(
            f"{path}: {name}, {tuple(tensor.shape)}, repeats {stored} bytes by strides; expected a "
            "tensor with all of its values."
        )
    if tensor.dtype == torch.bfloat16:
        return tensor
    try:
        return tensor.numpy()
    except (TypeError, RuntimeError):
        raise UserError(
            f"{path}: {name} is a {tensor.layout} tensor of {tensor.dtype}; expected a dense "
            "tensor of real numbers."
        ) from None
