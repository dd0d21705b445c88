"""Features of MM-IMDb: film plots and posters with genres (Arevalo et al. 2017).

``multimodal_imdb.hdf5``, as the authors' script writes and MultiBench distributes it::

    features       (n, 300) float32: mean word2vec vector of the plot
    vgg_features   (n, 4096) float32: VGG-16 features of the poster
    genres         (n, 23) 0 or 1; its attribute target_names is the JSON list of their names
    imdb_ids       (n,) text
    images, sequences, three_grams, word_grams: not read

Rows are sorted by split; the attribute ``split`` of the file (of the library fuel) says where the
splits train, dev and test begin and end: 15,552, 2,608 and 7,799 rows of 25,959.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .hdf5 import hdf5_array, open_hdf5
from .paired import PairedDataset, first_non_finite_row, paired_dataset

if TYPE_CHECKING:
    import h5py

FILE = "multimodal_imdb.hdf5"
VIEWS = {"text": ("features", 300), "image": ("vgg_features", 4096)}
N_GENRES = 23
STORED_SPLITS = {"train": "train", "dev": "valid", "test": "test"}
# The most frequent genre: with 54 % of the films the only one that is nearly balanced.
GENRE = "drama"


@dataclass(frozen=True)
class MMIMDb:
    """What the file holds.

    views:  "text" (n, 300) and "image" (n, 4096), float32, finite.
    genres: (n, 23) int64 of 0 and 1, a film having any number of genres; names in ``names``.
    splits: "train", "valid", "test" -> row numbers.
    ids:    (n,) IMDb numbers, as text.
    """

    path: Path
    views: Mapping[str, np.ndarray]
    genres: np.ndarray
    names: tuple[str, ...]
    splits: Mapping[str, np.ndarray]
    ids: tuple[str, ...]


def mm_imdb_file(path: str | os.PathLike[str]) -> Path:
    """Return the file: ``path`` itself, or multimodal_imdb.hdf5 in the directory ``path``."""
    path = Path(path)
    return path / FILE if path.is_dir() else path


def load_mm_imdb(path: str | os.PathLike[str], genre: str = GENRE) -> PairedDataset:
    """Load MM-IMDb with one genre as the label: 1 for films that have it, 0 for others.

    A :class:`PairedDataset` has one label per sample and a film has several genres, so each genre
    is a task of its own; :func:`read_mm_imdb` gives all 23. ``genre`` is its name in any case, such
    as "western" or "Sci-Fi". Views "text" (n, 300), "image" (n, 4096), float32.

    Raises UserError for an unknown genre and all that :func:`read_mm_imdb` refuses.
    """
    content = read_mm_imdb(path)
    names = [name.lower() for name in content.names]
    if genre.lower() not in names:
        raise UserError(
            f"{content.path} has no genre {genre!r}; it has {', '.join(content.names)}."
        )
    labels = content.genres[:, names.index(genre.lower())]
    return paired_dataset(
        f"mm-imdb-{genre.lower()}", dict(content.views), labels, dict(content.splits), n_classes=2
    )


def read_mm_imdb(path: str | os.PathLike[str]) -> MMIMDb:
    """Read views, genres and splits of MM-IMDb.

    Raises UserError, naming the dataset in the file, when one is missing, of another shape, holds
    NaN or infinity, links elsewhere or claims more than the file has, and when the file does not
    say its splits.
    """
    path = mm_imdb_file(path)
    with open_hdf5(path) as file:
        genres = hdf5_array(file, "genres")
        n = len(genres) if genres.ndim else 0
        _check_shape(path, "genres", genres, (n, N_GENRES))
        if n == 0 or not np.isin(genres, (0, 1)).all():
            raise UserError(f"{path}: genres must be 0 and 1, for at least one film.")
        views = {view: _view(path, file, *stored, n) for view, stored in VIEWS.items()}
        ids = hdf5_array(file, "imdb_ids")
        _check_shape(path, "imdb_ids", ids, (n,))
        names, splits = _genre_names(path, file), _splits(path, file, n)
    texts = (key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key) for key in ids)
    return MMIMDb(path, views, genres.astype(np.int64), names, splits, tuple(texts))


def _view(path: Path, file: h5py.File, name: str, width: int, n: int) -> np.ndarray:
    array = hdf5_array(file, name)
    _check_shape(path, name, array, (n, width))
    if array.dtype.kind not in "fiu":
        raise UserError(f"{path}: {name} holds {array.dtype}; expected real numbers.")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32, copy=False)
    row = first_non_finite_row(array)
    if row is not None:
        raise UserError(f"{path}: {name} has NaN or infinity in row {row}.")
    return array


def _check_shape(path: Path, name: str, array: np.ndarray, wanted: tuple[int, ...]) -> None:
    if np.shape(array) != wanted:
        raise UserError(f"{path}: {name} has shape {np.shape(array)}; expected {wanted}.")


def _genre_names(path: Path, file: h5py.File) -> tuple[str, ...]:
    try:
        names = json.loads(file["genres"].attrs["target_names"])
    except (KeyError, TypeError, ValueError, RecursionError):
        names = None
    if (
        not isinstance(names, list)
        or len(names) != N_GENRES
        or not all(isinstance(name, str) for name in names)
        or len({name.lower() for name in names}) != N_GENRES
    ):
        raise UserError(
            f"{path}: the attribute target_names of genres must be a JSON list of {N_GENRES} "
            "different names."
        )
    return tuple(names)


def _splits(path: Path, file: h5py.File, n: int) -> dict[str, np.ndarray]:
    """Read fuel's table: one record (split, source, start, stop, ...) per split and dataset."""
    found = {}
    try:
        for record in file.attrs["split"]:
            if record["source"] == b"genres":
                name = STORED_SPLITS[record["split"].decode("ascii")]
                found[name] = (int(record["start"]), int(record["stop"]))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        found = {}
    starts = [0, *(stop for _, stop in found.values())]
    if (
        list(found) != list(STORED_SPLITS.values())
        or [start for start, _ in found.values()] != starts[:-1]
        or any(start >= stop for start, stop in found.values())
        or starts[-1] != n
    ):
        raise UserError(
            f"{path}: the attribute split must say where train, dev and test begin and end, one "
            f"after the other, in {n} rows."
        )
    return {name: np.arange(start, stop) for name, (start, stop) in found.items()}
