"""Models as files of features: found in a directory, looked at once, read when they are needed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..data import features
from ..data.safetensors_file import read_feature_header
from ..errors import UserError
from ..natural_order import natural_order


@dataclass(frozen=True)
class Model:
    """A model's features.

    name:   its file's name without the suffix.
    layers: (name, (n_samples, n_features)) of each.
    header: what the file says of itself, by ``read_feature_header``.
    stamp:  size and times of change of the file, by which a changed one is recognised.
    """

    name: str
    path: Path
    layers: tuple[tuple[str, tuple[int, int]], ...]
    header: dict[str, Any] | None
    stamp: tuple[int, ...]
    layer_axis: int = 0

    @property
    def n(self) -> int:
        return self.layers[0][1][0]

    def arrays(self) -> list[Any]:
        """Its layers, in order; mapped into memory where the file allows it.

        Raises UserError if the file is no longer the one that was looked at.
        """
        arrays = [array for _, array in features.load_features(self.path, self.layer_axis)]
        if _stamp(self.path) != self.stamp:
            raise UserError(f"{self.path} has changed since this run began; start it again.")
        return arrays

    def describe(self) -> dict[str, Any]:
        """As plain JSON content."""
        layers = [{"name": name, "shape": list(shape)} for name, shape in self.layers]
        return {"path": str(self.path), "layers": layers}


def open_model(path: str | os.PathLike[str], layer_axis: int = 0) -> Model:
    """Look at a file of features; raises UserError where it is none or contradicts its header."""
    path = Path(path)
    stamp = _stamp(path)
    layers = tuple(
        (name, (int(array.shape[0]), int(array.shape[1])))
        for name, array in features.load_features(path, layer_axis)
    )
    header = read_feature_header(path)
    model = Model(path.stem, path, layers, header, stamp, layer_axis)
    claimed = _data(model).get("n", model.n)
    if claimed != model.n:
        raise UserError(
            f"{path} has {model.n} samples in {layers[0][0]} and its header says {claimed!r}; it "
            "is not whole."
        )
    return model


def find_models(path: str | os.PathLike[str], layer_axis: int = 0) -> list[Model]:
    """The models of a directory, by name (pythia-70m before pythia-410m); of a file, that one.

    Every file directly in the directory whose suffix is one of features, but hidden ones; where two
    differ in the suffix alone, their names keep it. Raises UserError where there is none, for a
    file that cannot be read and for models of different numbers of samples.
    """
    path = Path(path)
    if not path.is_dir():
        return [open_model(path, layer_axis)]
    files = [
        file
        for file in path.iterdir()
        if file.suffix.lower() in features.SUFFIXES
        and not file.name.startswith(".")
        # A link to nothing is a model that is missing.
        and (file.is_file() or file.is_symlink())
    ]
    if not files:
        suffixes = ", ".join(features.SUFFIXES)
        raise UserError(
            f"{path} holds no features; expected files that end in {suffixes}, one a model."
        )
    files.sort(key=lambda file: natural_order(file.name))
    models = [open_model(file, layer_axis) for file in files]
    for model in models:
        require_pairs(models[0], model)
    stems = Counter(model.name for model in models)
    return [
        model if stems[model.name] == 1 else _renamed(model, model.path.name) for model in models
    ]


def require_pairs(a: Model, b: Model) -> None:
    """Raise UserError unless both have the same number of samples."""
    if a.n != b.n:
        raise UserError(
            f"{a.path} has {a.n} samples and {b.path} has {b.n}; row i of one must be paired "
            "with row i of the other."
        )


def notes_on_pairing(models: Sequence[Model]) -> list[str]:
    """What the headers say against a pairing of these models' rows, a sentence each.

    Only the number of samples can be required: pictures and their captions are different data with
    different checksums. Two models of one modality, however, have usually seen the same.
    """
    notes = []
    first: dict[str, Model] = {}
    for model in models:
        modality = (model.header or {}).get("modality")
        if not isinstance(modality, str) or "sha256" not in _data(model):
            continue
        other = first.setdefault(modality, model)
        if _data(other)["sha256"] != _data(model)["sha256"]:
            notes.append(
                f"{other.path} and {model.path} are features of different data ({modality}: "
                f"{_data(other).get('name')} and {_data(model).get('name')}, whose checksums "
                "differ); row i of one must be paired with row i of the other."
            )
    return notes


def _data(model: Model) -> dict[str, Any]:
    data = (model.header or {}).get("data")
    return data if isinstance(data, dict) else {}


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        # Whoever reads it says what is wrong.
        return ()
    # Features of one shape are of one size, and a copy may keep its original's time; the time that
    # the system keeps of the file itself is set by no program.
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _renamed(model: Model, name: str) -> Model:
    return replace(model, name=name)
