"""Changing captions by degrees, with nothing but the captions themselves.

Every unit of a caption (word or character) has a place in a random order that depends on the seed,
the caption's row and the unit's position, not on the level. A level takes the first units of that
order, so what is changed at 10 percent is changed at 20 percent too. The numbers come from a hash:
the same on every machine and with every version.
"""

from __future__ import annotations

import hashlib
import itertools
import string
from collections.abc import Callable, Sequence

from ..errors import UserError
from .pieces import Pieces, in_characters, in_words
from .sets import CaptionSets

PERTURBATIONS = ("delete", "replace", "permute")
UNITS = ("word", "character")
_LETTERS = tuple(string.ascii_letters)

#: (purpose, position) -> a whole number below 2^64, uniform, and its own for each seed and row.
Draw = Callable[[str, int], int]


def perturb_captions(
    captions: Sequence[str],
    levels: Sequence[int],
    *,
    perturb: str,
    unit: str,
    seed: int = 0,
) -> CaptionSets:
    """Return ``captions`` at every level, a rising percentage of units changed; the first is 0.

    At P percent, round(P n / 100) of a caption's n units are changed, halves rounded up:

    delete   they are left out, and the words that remain stand one space apart. One unit always
             stays, as a text of nothing has no representation.
    replace  by others: characters by random ASCII letters, words by random words of all captions
             (a frequent word is drawn as often as it occurs). A unit that changes is the same new
             one at every higher level.
    permute  they change places among themselves, each moving to another's place. One alone cannot.

    Characters are what a reader sees as such, never white space. The same arguments give the same
    captions, on any machine. Raises UserError for a blank caption, levels that do not rise from
    0 to at most 100, and words to replace where all captions have only one.

    >>> perturb_captions(["a b c d"], [0, 50], perturb="delete", unit="word").captions[1]
    ('b d',)
    """
    if perturb not in PERTURBATIONS:
        raise UserError(f"perturb must be one of {', '.join(PERTURBATIONS)}, got {perturb!r}.")
    if unit not in UNITS:
        raise UserError(f"unit must be one of {', '.join(UNITS)}, got {unit!r}.")
    levels = tuple(levels)
    rising = all(low < high for low, high in itertools.pairwise(levels))
    if len(levels) < 2 or levels[0] != 0 or levels[-1] > 100 or not rising:
        raise UserError(
            f"levels are {', '.join(map(str, levels))}; expected percentages that rise from 0, the "
            "originals, to at most 100."
        )
    if not captions:
        raise UserError("There are no captions to perturb.")
    pieces = [(in_words if unit == "word" else in_characters)(text) for text in captions]
    for row, own in enumerate(pieces):
        if not own.units:
            raise UserError(f"Caption {row} is blank; expected a text.")
    stock = _LETTERS
    if perturb == "replace" and unit == "word":
        stock = tuple(word for own in pieces for word in own.units)
        if len(set(stock)) == 1:
            raise UserError(f"All words of the captions are {stock[0]!r}; nothing can replace it.")
    changed = [
        _at_levels(own, levels[1:], perturb, stock, _draws(seed, row))
        for row, own in enumerate(pieces)
    ]
    return CaptionSets(levels, (tuple(captions), *zip(*changed, strict=True)))


def _at_levels(
    own: Pieces, levels: Sequence[int], perturb: str, stock: Sequence[str], draw: Draw
) -> list[str]:
    n = len(own.units)
    order = sorted(range(n), key=lambda position: (draw("order", position), position))
    others = {}
    if perturb == "replace":
        others = {
            position: _other(stock, own.units[position], position, draw)
            for position in order[: _count(n, max(levels))]
        }
    changed = []
    for level in levels:
        chosen = order[: _count(n, level)]
        if perturb == "delete":
            changed.append(own.without(set(chosen[: n - 1])) if chosen else own.with_units({}))
        elif perturb == "replace":
            changed.append(own.with_units({position: others[position] for position in chosen}))
        else:
            sources = chosen[-1:] + chosen[:-1]
            moved = {to: own.units[source] for to, source in zip(chosen, sources, strict=True)}
            changed.append(own.with_units(moved))
    return changed


def _count(n: int, level: int) -> int:
    return (n * level + 50) // 100


def _other(stock: Sequence[str], unit: str, position: int, draw: Draw) -> str:
    """Draw from the stock until it is not the unit."""
    for attempt in itertools.count():
        found = stock[draw(f"other {attempt}", position) % len(stock)]
        if found != unit:
            break
    return found


def _draws(seed: int, row: int) -> Draw:
    def draw(purpose: str, position: int) -> int:
        name = f"{seed} {row} {purpose} {position}".encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big")

    return draw
