"""From a path to the check that fits it."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote

from ..data.affect import LAYOUTS
from ..data.affect.reading import PICKLES, affect_file
from ..data.av_mnist import FILES as AV_MNIST_FILES
from ..data.features import SUFFIXES as FEATURES
from ..data.hdf5 import SUFFIXES as HDF5
from ..data.hdf5 import holds, open_hdf5
from ..data.mm_imdb import FILE as MM_IMDB_FILE
from ..data.mm_imdb import N_GENRES
from ..data.paired import SPLITS
from ..errors import UserError
from ..files import require_file
from .affect import check_affect
from .av_mnist import check_av_mnist
from .features import check_features
from .mm_imdb import check_mm_imdb
from .report import Report

KNOWN = (
    "affect data (.pkl, .h5), MM-IMDb (.hdf5), features (.npy, .npz, .safetensors, .pt), caption "
    "sets (.json), and directories of these, of AV-MNIST or of a study"
)


def check_data(path: str | os.PathLike[str]) -> list[Report]:
    """Return what is at ``path``: one report, or one for each data set in a directory of several.

    Nothing in a file runs and nothing is written. Raises UserError when there is nothing, when
    it is nothing that mmalign reads, or when it is too damaged to say what it holds.
    """
    path = Path(path)
    if path.is_dir():
        return _directory(path)
    require_file(path)
    return [_file(path)]


def _file(path: Path) -> Report:
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        return check_affect(path)
    if suffix in HDF5:
        return _hdf5(path)
    if suffix in FEATURES:
        return check_features(path)
    if suffix == ".json":
        return _captions(path)
    raise UserError(f"{path} is nothing that is read here; read are {KNOWN}.")


def _hdf5(path: Path) -> Report:
    with open_hdf5(path) as file:
        has_genres = holds(file, "genres")
        has_splits = any(holds(file, split) for split in SPLITS)
        names = ", ".join(sorted(file)[:20]) or "nothing"
    if has_genres:
        return check_mm_imdb(path)
    if has_splits:
        return check_affect(path)
    raise UserError(
        f"{path} holds {names}; read are affect data (groups {', '.join(SPLITS)}) and MM-IMDb "
        f"(features, vgg_features, genres of {N_GENRES})."
    )


def _captions(path: Path) -> Report:
    from ..captions import load_caption_sets

    sets = load_caption_sets(path)
    levels = ", ".join(f"{level}%" for level in sets.levels)
    report = Report(path, "captions", f"{sets.n} captions, changed by {levels}")
    report.use.append(f"study captions {quote(str(path))} --vision DIR --language-model DIR")
    return report


def _directory(path: Path) -> list[Report]:
    if (path / "study.json").is_file():
        return [_study(path)]
    if any((path / file).is_file() for file in AV_MNIST_FILES):
        return [check_av_mnist(path)]
    reports = [check_affect(file) for file in _affect_files(path)]
    if (path / MM_IMDB_FILE).is_file():
        reports.append(check_mm_imdb(path / MM_IMDB_FILE))
    if not reports:
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in FEATURES)
        reports = [check_features(file) for file in files if file.is_file()]
    if not reports:
        raise UserError(f"{path} holds nothing that is read here; read are {KNOWN}.")
    return reports


def _affect_files(path: Path) -> list[Path]:
    found = []
    for layout in LAYOUTS:
        try:
            found.append(affect_file(path, layout))
        except UserError:
            continue
    return found


def _study(path: Path) -> Report:
    from ..study.directory import StudyDirectory

    name = StudyDirectory(path).read().get("name")
    cells = len(list((path / "cells").glob("*.safetensors")))
    report = Report(path, "study", f"the study {name!r} with {cells} finished cells")
    report.use.append(f"report {quote(str(path))}")
    return report
