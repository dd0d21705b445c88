"""Caption sets on disk: each caption at every level of change, in the published JSON layout."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import atomic_path, require_file

_INDEX = re.compile(r"Index - (\d{1,12})")
_CAPTION = re.compile(r"Caption (\d{1,6}) - (\d{1,3})%")
# The published file has 2 MB for 1,024 captions. JSON takes up to 20 times its size in memory.
_LARGEST_FILE = 1 << 27
# Cosines of unit vectors in single precision pass 1 by rounding.
_COSINE_SLACK = 1e-3


@dataclass(frozen=True, eq=False)
class CaptionSets:
    """``captions[k][i]`` is caption i changed by ``levels[k]`` percent; level 0 is the original.

    levels:       rising percentages, the first 0.
    similarities: (levels - 1, n) float64 cosines of each changed caption to its original, or None
                  where the file has none.
    """

    levels: tuple[int, ...]
    captions: tuple[tuple[str, ...], ...]
    similarities: np.ndarray | None = None

    @property
    def n(self) -> int:
        """How many captions there are at each level."""
        return len(self.captions[0])

    @property
    def lengths(self) -> np.ndarray:
        """(levels, n) int64 lengths in characters."""
        return np.array([[len(text) for text in level] for level in self.captions], np.int64)

    def at(self, level: int) -> tuple[str, ...]:
        """Return the captions of a level; UserError if there is no such level."""
        if level not in self.levels:
            raise UserError(
                f"There are no captions at {level}%; the levels are "
                f"{', '.join(map(str, self.levels))}."
            )
        return self.captions[self.levels.index(level)]


def column_name(position: int, level: int) -> str:
    """Return the name that the layout gives the captions of a level, ``Caption 2 - 20%``."""
    return f"Caption {position} - {level}%"


def load_caption_sets(path: str | os.PathLike[str]) -> CaptionSets:
    """Read caption sets in the layout published with arXiv 2502.16282.

    A list with one object a sample, ``{"Index - i": {"sentences": {"Caption k - P%": text, ...},
    "similarities": [number, ...]}}``: i counts from 0 or 1 in the order of the file; k counts the
    levels from 0, the original at 0%; similarities are those of k = 1, 2, ..., or empty in every
    sample. Sentences may stand in any order.

    Raises UserError, naming the file and the sample, for anything else: samples out of order or
    twice, a level that a sample lacks or has twice, percentages that do not rise, captions that
    are not texts, are blank or cannot be written as UTF-8, similarities that are no cosines.
    """
    path = Path(path)
    content = _read(path)
    if not isinstance(content, list) or not content:
        raise UserError(f"{path} is not a list of caption sets, one object a sample.")
    names: dict[str, int] | None = None
    texts: list[dict[str, str]] = []
    cosines: list[list[float]] = []
    first_index = 0
    for row, entry in enumerate(content):
        index, inside = _entry(path, row, entry)
        if row == 0:
            if index > 1:
                raise UserError(f"{path} begins with Index - {index}; expected 0 or 1.")
            first_index = index
        if index != first_index + row:
            raise UserError(
                f"{path}: sample {row} is Index - {index}; expected {first_index + row}: samples "
                "stand once each, in the order of their features."
            )
        place = f"{path}, Index - {index}"
        sentences = inside.get("sentences")
        if not isinstance(sentences, dict):
            raise UserError(f"{place} has no sentences.")
        own = _levels(place, sentences)
        if names is None:
            names = own
        elif own != names:
            different = min(own.items() ^ names.items(), key=lambda pair: pair[1])[0]
            has = "has" if different in own else "lacks"
            raise UserError(f"{place} {has} {different!r}, unlike the samples before it.")
        for name, text in sentences.items():
            _check_text(place, name, text)
        texts.append(sentences)
        cosines.append(_similarities(place, inside.get("similarities", []), len(own) - 1))
    assert names is not None
    filled = [bool(numbers) for numbers in cosines]
    if any(filled) and not all(filled):
        raise UserError(
            f"{path}: Index - {first_index + filled.index(False)} has no similarities, others do."
        )
    return CaptionSets(
        tuple(names.values()),
        tuple(tuple(sentences[name] for sentences in texts) for name in names),
        np.array(cosines, np.float64).T.copy() if any(filled) and len(names) > 1 else None,
    )


def write_caption_sets(path: str | os.PathLike[str], sets: CaptionSets) -> None:
    """Write caption sets in the layout that :func:`load_caption_sets` reads, atomically."""
    content = []
    for row in range(sets.n):
        sentences = {
            column_name(position, level): sets.captions[position][row]
            for position, level in enumerate(sets.levels)
        }
        found = sets.similarities
        similarities = [] if found is None else [float(value) for value in found[:, row]]
        content.append({f"Index - {row}": {"sentences": sentences, "similarities": similarities}})
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _read(path: Path) -> Any:
    require_file(path)
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise UserError(
                f"{path} has {size} bytes; caption sets have at most {_LARGEST_FILE}. Split it."
            )
        text = path.read_text(encoding="utf-8")
        return json.loads(text, object_pairs_hook=_without_repetition)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from None
    except UserError:
        raise
    except RecursionError:
        raise UserError(f"{path} is nested too deeply for caption sets.") from None
    # Damaged JSON, bytes that are not UTF-8, a name twice, and numbers of too many digits.
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}).") from None


def _without_repetition(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise ValueError(f"{name!r} stands twice in one object")
        content[name] = value
    return content


def _entry(path: Path, row: int, entry: Any) -> tuple[int, Mapping[str, Any]]:
    if isinstance(entry, dict) and len(entry) == 1:
        name, inside = next(iter(entry.items()))
        match = _INDEX.fullmatch(name)
        if match and isinstance(inside, dict):
            return int(match[1]), inside
    raise UserError(f'{path}: sample {row} is not an object {{"Index - i": {{...}}}}.')


def _levels(place: str, sentences: Mapping[str, Any]) -> dict[str, int]:
    """Return {name: percentage} in the order of the levels."""
    found: dict[int, tuple[int, str]] = {}
    for name in sentences:
        match = _CAPTION.fullmatch(name)
        if not match or int(match[2]) > 100:
            raise UserError(f"{place} has {name!r} among its sentences; expected Caption k - P%.")
        number, percent = int(match[1]), int(match[2])
        if number in found:
            raise UserError(f"{place} has caption {number} twice.")
        found[number] = percent, name
    for number in range(len(found)):
        if number not in found:
            raise UserError(f"{place} lacks caption {number} of {len(found)}.")
    percents = [found[number][0] for number in range(len(found))]
    if not percents or percents[0] != 0:
        raise UserError(f"{place} lacks its original, Caption 0 - 0%.")
    for number in range(1, len(percents)):
        if percents[number] <= percents[number - 1]:
            raise UserError(
                f"{place}: caption {number} is changed by {percents[number]}% and the one before "
                f"it by {percents[number - 1]}%; expected rising percentages."
            )
    return {found[number][1]: found[number][0] for number in range(len(found))}


def _check_text(place: str, name: str, text: Any) -> None:
    if not isinstance(text, str):
        raise UserError(f"{place}: {name} is a {type(text).__name__}; expected a text.")
    if not text.strip():
        raise UserError(f"{place}: {name} is blank.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(f"{place}: {name} holds half a character (a lone surrogate).") from None


def _similarities(place: str, found: Any, expected: int) -> list[float]:
    if not isinstance(found, list) or len(found) not in (0, expected):
        count = len(found) if isinstance(found, list) else type(found).__name__
        raise UserError(f"{place}: similarities are {count}; expected {expected} numbers, or none.")
    for value in found:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or abs(value) > 1 + _COSINE_SLACK:
            raise UserError(f"{place} has the similarity {value!r}; expected a cosine, -1 to 1.")
    return [float(value) for value in found]
