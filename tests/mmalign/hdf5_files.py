"""Small HDF5 files in the formats of the affect datasets and of MM-IMDb."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

GENRES = (
    *("Drama", "Comedy", "Romance", "Thriller", "Crime", "Action", "Adventure", "Horror"),
    *("Documentary", "Mystery", "Sci-Fi", "Fantasy", "Family", "Biography", "War", "History"),
    *("Music", "Animation", "Musical", "Western", "Sport", "Short", "Film-Noir"),
)
FUEL = np.dtype(
    [
        ("split", "S5"),
        ("source", "S12"),
        ("start", "i8"),
        ("stop", "i8"),
        ("indices", h5py.ref_dtype),
        ("available", "?"),
        ("comment", "S1"),
    ]
)


def write_affect_hdf5(path: Path, content, **options) -> Path:
    """Write the splits of ``affect_content`` as groups; ``options`` as for create_dataset."""
    with h5py.File(path, "w") as file:
        for split, part in content.items():
            for name, array in part.items():
                stored = array.astype("S") if array.dtype.kind == "U" else array
                file.create_dataset(f"{split}/{name}", data=stored, **options)
    return path


def mm_imdb_arrays(sizes=(12, 4, 6), seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    n = sum(sizes)
    genres = generator.integers(0, 2, (n, 23)).astype(np.int32)
    features = generator.normal(size=(n, 300)).astype(np.float32)
    return {
        "features": features + genres[:, :1].astype(np.float32),
        "vgg_features": generator.normal(size=(n, 4096)).astype(np.float32),
        "genres": genres,
        "imdb_ids": np.array([f"{7 * i:07d}" for i in range(n)], dtype="S7"),
        "images": np.zeros((n, 3, 2, 2), np.int32),
    }


def fuel_splits(sizes, sources) -> np.ndarray:
    """The attribute ``split`` as the library fuel writes it: a record per split and dataset."""
    ends = np.cumsum([0, *sizes])
    records = [
        (split.encode(), source.encode(), ends[i], ends[i + 1], h5py.Reference(), True, b".")
        for i, split in enumerate(("train", "dev", "test"))
        for source in sources
    ]
    return np.array(records, dtype=FUEL)


def write_mm_imdb(path: Path, sizes=(12, 4, 6), **changed: np.ndarray | None) -> Path:
    """Write a small multimodal_imdb.hdf5; ``changed`` arrays replace its own, None leaves out."""
    arrays = {**mm_imdb_arrays(sizes), **changed}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            if array is not None:
                file[name] = array
        if "genres" in file:
            file["genres"].attrs["target_names"] = json.dumps(GENRES)
        file.attrs["split"] = fuel_splits(sizes, arrays)
    return path
