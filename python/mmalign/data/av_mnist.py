"""The on-disk layout of AV-MNIST: images of digits paired with spoken digits.

A directory holds (MultiBench, Liang et al. 2021, the MFCC variant ``avmnist_mfcc``)::

    image/train_data.npy   (n, 784) pictures of 28 x 28, row by row, values 0 .. 255
    image/test_data.npy
    audio/train_data.npy   (n, 20, 36) MFCC: coefficients x frames
    audio/test_data.npy
    train_labels.npy       (n,) digits 0 .. 9
    test_labels.npy
    recipe.json            optional: checksums of the files above, verified before they are read

Row i of the three files of one part is one sample. The built-in digits
(:mod:`mmalign.data.av_digits`) are stored in the same way.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..files import read_json
from .arrays import open_npy, sha256_of_file, write_npy
from .paired import PairedDataset, first_non_finite_row, paired_dataset

IMAGE_SHAPE = (28, 28)
AUDIO_SHAPE = (20, 36)
SPECTROGRAM_SHAPE = (112, 112)
N_CLASSES = 10
PARTS = ("train", "test")
RECIPE_NAME = "recipe.json"
FILES = tuple(
    f"{prefix}{part}_{kind}.npy"
    for part in PARTS
    for prefix, kind in (("image/", "data"), ("audio/", "data"), ("", "labels"))
)


def load_av_mnist(
    path: str | os.PathLike[str], valid_fraction: float = 1 / 12, name: str = "av-mnist"
) -> PairedDataset:
    """Read a directory in the layout of AV-MNIST.

    The last ``valid_fraction`` of the training file, rounded to a sample, becomes the split
    "valid": 55,000 and 5,000 of the 60,000 of AV-MNIST. Rows 0 .. n_train - 1 of the result are
    the training file, the rest the test file. Views: "image" (n, 28, 28) float32 in [0, 1],
    "audio" (n, 20, 36) float32, MFCC as stored. Labels int64.

    Raises UserError, naming the file, what was found and what was expected, when a file is
    missing, truncated, of another shape or dtype, has NaN or infinity, images outside 0 .. 255,
    labels that are not digits, another number of samples than its companions, or differs from its
    checksum.
    """
    if not 0 <= valid_fraction < 1:
        raise UserError(f"valid_fraction must lie in [0, 1), got {valid_fraction!r}.")
    directory = Path(path)
    if not directory.is_dir():
        raise UserError(f"{directory} is not a directory; expected one with {', '.join(FILES)}.")
    # Opening is cheap and finds most faults; all six are opened before any is read.
    opened = {file: open_npy(directory / file) for file in FILES}
    for part in PARTS:
        _check_part(directory, part, opened)
    _verify_checksums(directory)
    views = {
        "image": _concatenate(directory, "image", IMAGE_SHAPE, opened),
        "audio": _concatenate(directory, "audio", AUDIO_SHAPE, opened),
    }
    views["image"] /= 255.0
    labels = np.concatenate([opened[f"{part}_labels.npy"] for part in PARTS]).astype(np.int64)

    n_train_file = len(opened["train_labels.npy"])
    n_train = n_train_file - round(n_train_file * valid_fraction)
    if n_train == 0:
        raise UserError(
            f"{directory / 'train_labels.npy'} has {n_train_file} samples; valid_fraction="
            f"{valid_fraction:g} leaves none to train on."
        )
    splits = {
        "train": np.arange(n_train),
        "valid": np.arange(n_train, n_train_file),
        "test": np.arange(n_train_file, len(labels)),
    }
    return paired_dataset(name, views, labels, splits, N_CLASSES)


def write_av_mnist(
    path: str | os.PathLike[str],
    images: Mapping[str, np.ndarray],
    audio: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
) -> dict[str, str]:
    """Write a directory in the layout of AV-MNIST; return the sha256 of each file.

    images: "train" and "test" -> (n, 784) of 0 .. 255; audio: -> (n, 20, 36); labels: -> (n,).
    Arrays are stored in the dtype they have. Each file is written atomically. Raises UserError,
    as :func:`load_av_mnist` would, when the arrays do not fit the layout.
    """
    directory = Path(path)
    arrays = {}
    for part in PARTS:
        arrays[f"image/{part}_data.npy"] = np.asarray(images[part])
        arrays[f"audio/{part}_data.npy"] = np.asarray(audio[part])
        arrays[f"{part}_labels.npy"] = np.asarray(labels[part])
    for part in PARTS:
        _check_part(directory, part, arrays)
    for file, array in arrays.items():
        write_npy(directory / file, array)
    return {file: sha256_of_file(directory / file) for file in FILES}


def _check_part(directory: Path, part: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Check what headers tell of one part, and its labels."""
    labels_file = f"{part}_labels.npy"
    expected = {
        labels_file: (),
        f"image/{part}_data.npy": (IMAGE_SHAPE[0] * IMAGE_SHAPE[1],),
        f"audio/{part}_data.npy": AUDIO_SHAPE,
    }
    n = arrays[labels_file].shape[0] if arrays[labels_file].ndim else 0
    for file, shape in expected.items():
        array = arrays[file]
        if array.dtype.kind not in "fiu":
            raise UserError(f"{directory / file} holds {array.dtype}, expected real numbers.")
        if array.ndim != 1 + len(shape) or array.shape[1:] != shape or len(array) == 0:
            wanted = f"({', '.join(['n', *map(str, shape)])}{'' if shape else ','})"
            hint = ""
            if array.shape[1:] == SPECTROGRAM_SHAPE:
                hint = " These are the spectrograms of avmnist; the MFCC are in avmnist_mfcc."
            raise UserError(f"{directory / file} has shape {array.shape}, expected {wanted}.{hint}")
        if len(array) != n:
            raise UserError(
                f"{directory / file} has {len(array)} samples, but {labels_file} beside it has {n} "
                "labels; expected one label per sample."
            )
    labels = arrays[labels_file]
    digits = (labels >= 0) & (labels < N_CLASSES) & (labels == np.floor(labels))
    if not digits.all():
        row = int(np.argmin(digits))
        raise UserError(
            f"{directory / labels_file} has the label {labels[row]} in row {row}, expected whole "
            f"numbers 0 .. {N_CLASSES - 1}."
        )


def _concatenate(
    directory: Path, view: str, shape: tuple[int, ...], arrays: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return both parts of a view, in float32, after a look at every value."""
    parts = []
    for part in PARTS:
        file = f"{view}/{part}_data.npy"
        # A float64 beyond float32 becomes infinite and is reported as such below.
        with np.errstate(over="ignore"):
            values = arrays[file].astype(np.float32).reshape(-1, *shape)
        row = first_non_finite_row(values)
        if row is not None:
            raise UserError(f"{directory / file} has NaN or infinity in row {row}.")
        if view == "image" and (values.min() < 0 or values.max() > 255):
            raise UserError(
                f"{directory / file} has values from {values.min():g} to {values.max():g}, "
                "expected 0 .. 255."
            )
        parts.append(values)
    return np.concatenate(parts)


def _verify_checksums(directory: Path) -> None:
    recipe_path = directory / RECIPE_NAME
    if not recipe_path.exists():
        return
    recipe = read_json(recipe_path)
    checksums = recipe.get("checksums") if isinstance(recipe, dict) else None
    if not isinstance(checksums, dict) or set(checksums) != set(FILES):
        raise UserError(f'{recipe_path} has no "checksums" of exactly {", ".join(FILES)}.')
    for file, expected in checksums.items():
        found = sha256_of_file(directory / file)
        if found != expected:
            raise UserError(
                f"{directory / file} differs from its checksum in {RECIPE_NAME}: found "
                f"{found[:12]}..., expected {str(expected)[:12]}...; delete {directory} and make "
                "it again."
            )
