"""What a contest is: the same work done by us and by others, and what is asked of our time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from peers import Peer

PACKING_ALLOWANCE_MIB = 64


@dataclass(frozen=True)
class Contender:
    """One way of doing the work of a contest.

    `call` takes what `Contest.inputs` made. `environment` is for settings that a library reads
    when it is loaded. A call that does only one part in `parts` of the work has its time
    multiplied.
    """

    name: str
    peer: Peer
    call: Callable[[Any], Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    parts: int = 1


@dataclass(frozen=True)
class Verdict:
    """How far an answer is from what it is compared with, and whether that is near enough."""

    agrees: bool
    difference: float
    measure: str


@dataclass(frozen=True)
class Asked:
    """At least `ratio` times faster than the other; with `at_most`, no more than `ratio` times
    its time. `share` is the least share of the fastest library float32 product."""

    ratio: float
    at_most: bool = False
    share: float | None = None

    def ratio_of(self, ours: float, theirs: float) -> float:
        return ours / theirs if self.at_most else theirs / ours

    def met_by(self, ratio: float) -> bool:
        return ratio <= self.ratio if self.at_most else ratio >= self.ratio


@dataclass(frozen=True)
class Contest:
    """One line of a table, or a few; the first contender is ours.

    `compare` takes the inputs and the answers by contender, those of one process. `once` is for
    long work: the call whose memory is measured is the one that is timed. `premise` says why the
    contest does not mean what it says, once the libraries are loaded, or None.
    """

    key: str
    section: str
    what: str
    n: int
    d: int
    inputs: Callable[[int, int], Any]
    contenders: tuple[Contender, ...]
    compare: Callable[[Any, Mapping[str, Any]], Mapping[str, Verdict]]
    multiply_adds: Callable[[int, int], int]
    k: int | None = None
    asked: Asked | None = None
    representations: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    premise: Callable[[], str | None] = lambda: None
    most_rounds: int | None = None
    once: bool = False
    quick: bool = True

    def allowed_mib(self) -> float:
        """One packed float32 copy of the inputs, and a constant."""
        return 4 * self.n * self.d * self.representations / 2**20 + PACKING_ALLOWANCE_MIB
