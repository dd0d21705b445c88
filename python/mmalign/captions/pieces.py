"""A caption as words and characters, which perturbations take, leave and exchange."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..optional import require

_WORD = re.compile(r"(\S+)(\s*)")


@dataclass(frozen=True)
class Pieces:
    """``before`` + unit + separator + unit + separator ...: the caption, exactly.

    words: the number of the word that each unit belongs to.
    """

    before: str
    units: tuple[str, ...]
    words: tuple[int, ...]
    separators: tuple[str, ...]

    def with_units(self, others: Mapping[int, str]) -> str:
        """Return the caption with other units in some positions."""
        pairs = enumerate(zip(self.units, self.separators, strict=True))
        return self.before + "".join(
            others.get(position, unit) + space for position, (unit, space) in pairs
        )

    def without(self, left_out: set[int]) -> str:
        """Return the caption without some units, its words one space apart."""
        kept: dict[int, str] = {}
        for position, (unit, word) in enumerate(zip(self.units, self.words, strict=True)):
            if position not in left_out:
                kept[word] = kept.get(word, "") + unit
        return " ".join(kept.values())


def in_words(text: str) -> Pieces:
    """Split at white space."""
    found = _WORD.findall(text)
    words, spaces = zip(*found, strict=True) if found else ((), ())
    return Pieces(_leading_space(text), words, tuple(range(len(words))), spaces)


def in_characters(text: str) -> Pieces:
    """Split into what a reader sees as characters (Unicode's extended grapheme clusters).

    White space is no unit: it only parts the words. An accent stays with its letter, and a flag
    or a family is one character.
    """
    regex = require("regex", "perturbing characters", extra="models")
    units: list[str] = []
    words: list[int] = []
    separators: list[str] = []
    for number, (word, space) in enumerate(_WORD.findall(text)):
        clusters = regex.findall(r"\X", word)
        units += clusters
        words += [number] * len(clusters)
        separators += [""] * (len(clusters) - 1) + [space]
    return Pieces(_leading_space(text), tuple(units), tuple(words), tuple(separators))


def _leading_space(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]
