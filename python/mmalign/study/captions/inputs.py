"""What the study reads: caption sets, and features of models in files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...captions import CaptionSets
from ...data.safetensors_file import map_tensors
from ...errors import UserError
from ...measure.models import Model, find_models, require_pairs
from .families import family_of

BITS = "bits_per_byte"


@dataclass(frozen=True)
class VisionModel:
    """A vision model's features and the family it is shown with."""

    family: str
    model: Model

    @property
    def name(self) -> str:
        return self.model.name


@dataclass(frozen=True)
class LanguageLevel:
    """The language models' features of the captions of one level.

    bits: (models, n) float64 bits per byte, NaN where a text is too short to have any.
    """

    level: int
    models: tuple[Model, ...]
    bits: np.ndarray


def level_folder(features: Path, level: int) -> Path:
    """Return where the features of a level's captions are."""
    return features / str(level)


def level_digest(captions: Sequence[str]) -> str:
    """Return a sha256 of the captions of a level, by which their features are recognised."""
    return hashlib.sha256(json.dumps(list(captions)).encode()).hexdigest()


def find_vision_models(directory: Path, n: int) -> list[VisionModel]:
    """Find feature files of pictures: DIR/MODEL.* or DIR/FAMILY/MODEL.*.

    A folder names the family of what is in it. Elsewhere the published families are known by the
    models' names, and any other model is a family of its own. Raises UserError for none, for
    names twice, and for other numbers of pictures than ``n`` captions.
    """
    if not directory.is_dir():
        raise UserError(f"{directory} is not a directory; expected one of vision features.")
    folders = sorted(path for path in directory.iterdir() if _is_folder(path))
    found = [VisionModel(folder.name, model) for folder in folders for model in find_models(folder)]
    if not folders or any(path.is_file() and not _hidden(path) for path in directory.iterdir()):
        found += [VisionModel(family_of(model.name), model) for model in find_models(directory)]
    names = [one.name for one in found]
    for one in found:
        if names.count(one.name) > 1:
            raise UserError(f"{directory} holds the vision model {one.name} more than once.")
        if one.model.n != n:
            raise UserError(
                f"{one.model.path} has {one.model.n} samples; there are {n} captions, and row i "
                "must be the picture of caption i."
            )
    return found


def find_language_levels(
    features: Path, sets: CaptionSets, levels: Sequence[int]
) -> list[LanguageLevel]:
    """Find FEATURES/LEVEL/MODEL.safetensors for every level, the same models in each.

    Raises UserError for a level or a model that is missing, for other numbers of samples than
    captions, for files without bits per byte, and for features of another level's captions.
    """
    # Short captions may be the same at two levels.
    known: dict[str, list[int]] = {}
    for level in sets.levels:
        known.setdefault(level_digest(sets.at(level)), []).append(level)
    found: list[LanguageLevel] = []
    for level in levels:
        folder = level_folder(features, level)
        if not folder.is_dir():
            raise UserError(
                f"{folder} does not exist; expected the features of captions at {level}%."
            )
        models = find_models(folder)
        if found and [model.name for model in models] != [one.name for one in found[0].models]:
            here, there = ({one.name for one in each} for each in (models, found[0].models))
            raise UserError(
                f"{folder} and {level_folder(features, levels[0])} hold different models: "
                f"{', '.join(sorted(here ^ there))}."
            )
        for model in models:
            if model.n != sets.n:
                raise UserError(f"{model.path} has {model.n} samples; there are {sets.n} captions.")
            require_pairs(models[0], model)
            _check_level(model, level, known)
        found.append(
            LanguageLevel(level, tuple(models), np.stack([_bits(model) for model in models]))
        )
    return found


def _check_level(model: Model, level: int, known: dict[str, list[int]]) -> None:
    data = (model.header or {}).get("data")
    seen = known.get(str(data.get("sha256")), []) if isinstance(data, dict) else []
    if seen and level not in seen:
        raise UserError(f"{model.path} has the captions at {seen[0]}%, not those at {level}%.")


def _bits(model: Model) -> np.ndarray:
    tensors = map_tensors(model.path) if model.path.suffix == ".safetensors" else {}
    bits = tensors.get(BITS)
    if bits is None:
        raise UserError(
            f"{model.path} has no {BITS}; features of a causal language model, written by mmalign "
            "extract, have them."
        )
    bits = np.asarray(bits, np.float64)
    if bits.shape != (model.n,):
        raise UserError(f"{model.path}: {BITS} has the shape {bits.shape}; expected ({model.n},).")
    if np.isinf(bits).any() or (bits < 0).any():
        raise UserError(f"{model.path}: {BITS} holds infinite or negative numbers.")
    return bits


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not _hidden(path)


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")
