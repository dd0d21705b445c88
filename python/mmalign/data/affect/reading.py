"""The arrays of an affect file as they are stored, checked against each other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from ...files import require_file
from ..hdf5 import SUFFIXES as HDF5
from ..hdf5 import hdf5_array, hdf5_group, holds, open_hdf5
from ..paired import SPLITS
from ..safe_pickle import read_pickle
from .layouts import MODALITIES, AffectLayout

PICKLES = (".pkl", ".pickle")
# mosei_raw.pkl has the face features of another extractor.
RAW_MOSEI_VISION = 713


@dataclass(frozen=True)
class AffectSplit:
    """One split as stored.

    views:  modality -> (n, steps, features) array of real numbers.
    labels: (n,) real numbers.
    ids:    (n,) texts that name the samples; None where the file has none.
    """

    views: Mapping[str, np.ndarray]
    labels: np.ndarray
    ids: list[str] | None


def affect_file(path: str | os.PathLike[str], layout: AffectLayout) -> Path:
    """Return the file of a dataset: ``path`` itself, or its place below the directory ``path``."""
    path = Path(path)
    if not path.is_dir():
        return path
    # Both the directory of all four and the directory of one are natural to name.
    stems = ((path / layout.file).with_suffix(""), path / Path(layout.file).stem)
    for suffix in (*PICKLES, *HDF5):
        for stem in stems:
            if (candidate := stem.with_suffix(suffix)).is_file():
                return candidate
    raise UserError(f"{path} holds no {layout.file}, the file of {layout.title}.")


def read_affect(path: Path) -> dict[str, AffectSplit]:
    """Read the three splits of an affect file; nothing is checked against a layout.

    .pkl, .pickle  a dictionary of the splits; arrays are views of the mapped file.
    .h5, .hdf5     a group per split with a dataset per array; read into memory.

    Raises UserError, naming file, split and array, when a part is missing, is no array of real
    numbers, has another shape than (samples, steps, features), or when the parts of a split
    differ in their numbers of samples or steps.
    """
    content = stored_content(path)
    _check_keys(path, "it", content, SPLITS)
    return {split: read_split(path, split, content[split]) for split in SPLITS}


def stored_content(path: Path) -> dict[str, Any]:
    """Return the top level of an affect file as it is: a dictionary, whatever is in it."""
    require_file(path)
    suffix = path.suffix.lower()
    if suffix in HDF5:
        return _read_hdf5(path)
    if suffix not in PICKLES:
        raise UserError(
            f"{path} has the suffix {path.suffix!r}; affect data is read from "
            f"{', '.join((*PICKLES, *HDF5))}."
        )
    content = read_pickle(path)
    _check_keys(path, "it", content, ())
    return content


def _read_hdf5(path: Path) -> dict[str, dict[str, np.ndarray]]:
    with open_hdf5(path) as file:
        return {
            split: {
                name: hdf5_array(group, name)
                for name in (*MODALITIES, "labels", "id")
                if holds(group, name)
            }
            for split in SPLITS
            if holds(file, split)
            for group in [hdf5_group(file, split)]
        }


def check_widths(path: Path, splits: Mapping[str, AffectSplit], layout: AffectLayout) -> None:
    """Raise UserError unless the features are as wide as those of the dataset."""
    for split, part in splits.items():
        found = {modality: part.views[modality].shape[2] for modality in MODALITIES}
        if found == dict(layout.widths):
            continue
        hint = ""
        if found["vision"] == RAW_MOSEI_VISION:
            hint = " It looks like mosei_raw.pkl; mosei_senti_data.pkl is the one."
        raise UserError(
            f"{path}: {split} has features {_widths(found)}; those of {layout.title} are "
            f"{_widths(layout.widths)}.{hint}"
        )


def _widths(widths: Mapping[str, int]) -> str:
    return ", ".join(f"{modality} {widths[modality]}" for modality in MODALITIES) + " wide"


def _check_keys(path: Path, where: str, content: Any, wanted: tuple[str, ...]) -> None:
    if not isinstance(content, Mapping):
        raise UserError(
            f"{path}: {where} is a {type(content).__name__}; expected a dictionary with "
            f"{', '.join(wanted or SPLITS)}."
        )
    missing = [key for key in wanted if key not in content]
    if missing:
        found = ", ".join(sorted(str(key)[:40] for key in content)[:20]) or "nothing"
        raise UserError(f"{path}: {where} has no {', '.join(missing)}; it has {found}.")


def read_split(path: Path, split: str, content: Any) -> AffectSplit:
    """Check the stored arrays of one split against each other; errors as :func:`read_affect`."""
    _check_keys(path, split, content, (*MODALITIES, "labels"))
    views = {modality: _view(path, split, modality, content[modality]) for modality in MODALITIES}
    labels = _labels(path, split, content["labels"])
    shapes = {modality: views[modality].shape for modality in MODALITIES}
    if len({shape[:2] for shape in shapes.values()}) > 1:
        raise UserError(
            f"{path}: {split} has vision {shapes['vision']}, audio {shapes['audio']} and text "
            f"{shapes['text']}; expected the same samples and steps in all three."
        )
    if len(labels) != len(views["text"]):
        raise UserError(
            f"{path}: {split} has {len(views['text'])} samples and {len(labels)} labels; expected "
            "one label per sample."
        )
    return AffectSplit(views, labels, _ids(path, split, content.get("id"), len(labels)))


def _view(path: Path, split: str, modality: str, array: Any) -> np.ndarray:
    where = f"{path}: {modality} of {split}"
    if not isinstance(array, np.ndarray):
        raise UserError(f"{where} is a {type(array).__name__}; expected an array.")
    if array.dtype.kind not in "fiu":
        hint = " (samples of different lengths?)" if array.dtype.hasobject else ""
        raise UserError(f"{where} holds {array.dtype}{hint}; expected real numbers.")
    if array.ndim != 3 or 0 in array.shape:
        raise UserError(
            f"{where} has shape {array.shape}; expected (samples, steps, features), none of them 0."
        )
    return array


def _labels(path: Path, split: str, array: Any) -> np.ndarray:
    where = f"{path}: labels of {split}"
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise UserError(f"{where} hold {kind}; expected an array of real numbers.")
    if array.ndim not in (1, 2, 3) or any(size != 1 for size in array.shape[1:]):
        raise UserError(
            f"{where} have shape {array.shape}; expected (samples,), (samples, 1) or "
            "(samples, 1, 1)."
        )
    labels = array.reshape(-1).astype(np.float64)
    finite = np.isfinite(labels)
    if not finite.all():
        row = int(np.argmin(finite))
        raise UserError(f"{where} have {labels[row]} for sample {row}; expected finite numbers.")
    return labels


def _ids(path: Path, split: str, stored: Any, n: int) -> list[str] | None:
    """Return one text per sample; MOSEI's are rows of video, start and end."""
    if stored is None:
        return None
    listed = isinstance(stored, (list, tuple)) or (isinstance(stored, np.ndarray) and stored.ndim)
    if not listed or len(stored) != n:
        size = f" of {len(stored)}" if listed else ""
        raise UserError(
            f"{path}: id of {split} is a {type(stored).__name__}{size}; expected one name for "
            f"each of {n} samples."
        )
    return [_id_text(row) for row in stored]


def _id_text(row: Any) -> str:
    if isinstance(row, bytes):
        return row.decode("utf-8", "replace")
    if isinstance(row, np.ndarray):
        row = row.ravel().tolist()
    if isinstance(row, (list, tuple)):
        return " ".join(
            part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
            for part in row
        )
    return str(row)
