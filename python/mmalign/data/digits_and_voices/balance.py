"""What the label is made of: three bits, each told by both views, by one, or by neither alone.

A sample is a picture of a digit, turned by 0 .. 3 quarters, and a digit spoken by one of eight
voices. Digits are 0 .. 7, three fair bits; turn and voice are two and three fair bits, and all are
independent. Every label is three of these bits, or sums of them, so that every balance has eight
equally likely classes and three bits to be known. A bit of the label is

    "digit"  that bit of the digit, which is seen and heard: redundant
    "turn"   a bit of the turn: unique to the picture
    "voice"  a bit of the voice: unique to the sound
    "both"   that bit of the digit seen plus that of the digit heard, modulo 2: synergy

The digit heard is the digit seen in all bits but those of the last kind, in which the two are
independent. A bit of each of the first three kinds is known for certain from one view, and this
does not change in any q with the marginals (X1, Y) and (X2, Y) of p: so without bits of the last
kind I_q(X1, X2; Y) = H(Y) for every such q, and synergy is 0 exactly (Bertschinger et al. 2014).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...errors import UserError

BITS = 3
CLASSES = 1 << BITS
DIGITS = CLASSES
TURNS = 4
VOICES = CLASSES


@dataclass(frozen=True)
class Balance:
    """One way to make the label.

    name:    for the command line and directories.
    task:    what is to be named, in words.
    sources: where each bit of the label comes from, the highest first.
    """

    name: str
    task: str
    sources: tuple[str, ...]

    def count(self, source: str) -> int:
        """Return how many bits of the label are of one kind."""
        return self.sources.count(source)

    @property
    def uniqueness(self) -> int:
        """Bits that one view alone tells: U."""
        return self.count("turn") + self.count("voice")

    @property
    def both_mask(self) -> int:
        """The bits of the digit in which the one heard is independent of the one seen."""
        return sum(
            1 << bit for bit, source in enumerate(reversed(self.sources)) if source == "both"
        )

    def label(
        self, seen: np.ndarray, turn: np.ndarray, heard: np.ndarray, voice: np.ndarray
    ) -> np.ndarray:
        """Return the label, 0 .. 7, of whole numbers of any shapes that broadcast."""
        digits = {"digit": seen, "both": seen ^ heard}
        label = np.zeros(np.broadcast_shapes(*map(np.shape, (seen, turn, heard, voice))), int)
        # Bits of the turn and of the voice are used up from the lowest.
        used = {"turn": 0, "voice": 0}
        for bit, source in enumerate(reversed(self.sources)):
            if source in digits:
                value = digits[source] >> bit
            else:
                value = (turn if source == "turn" else voice) >> used[source]
                used[source] += 1
            label = label | ((value & 1) << bit)
        return label


_ALL = (
    Balance("digit", "the digit", ("digit", "digit", "digit")),
    Balance("unique-1", "two bits of the digit and one of the voice", ("digit", "digit", "voice")),
    Balance(
        "unique-2",
        "one bit each of the digit, the turn and the voice",
        ("digit", "turn", "voice"),
    ),
    Balance("unique-3", "one bit of the turn and two of the voice", ("voice", "turn", "voice")),
    Balance("voice", "the voice", ("voice", "voice", "voice")),
    Balance(
        "both-1",
        "two bits of the digit and the sum of one of two digits",
        ("digit", "digit", "both"),
    ),
    Balance(
        "both-2",
        "one bit of the digit and the sum of two of two digits",
        ("digit", "both", "both"),
    ),
    Balance("both", "the bitwise sum of two digits", ("both", "both", "both")),
)
BALANCES: dict[str, Balance] = {balance.name: balance for balance in _ALL}
UNIQUENESS_AXIS = ("digit", "unique-1", "unique-2", "unique-3")
"""From redundant to unique in steps of a bit, as U trades them in arXiv 2502.16282: an odd bit goes
to the second view."""
SYNERGY_AXIS = ("digit", "both-1", "both-2", "both")
"""From redundant to synergy in steps of a bit."""


def balances_named(names: Iterable[str]) -> tuple[Balance, ...]:
    """Return balances in the order of :data:`BALANCES`; raises UserError for names not there."""
    names = list(names)
    for name in names:
        if name not in BALANCES:
            raise UserError(f"There is no balance {name!r}; choose among {', '.join(BALANCES)}.")
        if names.count(name) > 1:
            raise UserError(f"The balance {name!r} is named twice.")
    if not names:
        raise UserError(f"No balance is named; choose among {', '.join(BALANCES)}.")
    return tuple(balance for balance in BALANCES.values() if balance.name in names)
