"""The form in which a check tells what it found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..printable import printable

#: error: it cannot be used as it is. warning: it can, but results may mislead. note: handled.
SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Problem:
    """Something wrong: how bad (one of SEVERITIES), where, what, and what to do about it."""

    severity: str
    where: str
    what: str
    remedy: str


@dataclass(frozen=True)
class ArraySummary:
    """An array of the data; counts are of single values, None where they were not looked at."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    nan: int | None = None
    infinite: int | None = None
    constant_features: int | None = None


@dataclass(frozen=True)
class SplitSummary:
    """One split: its samples and what is known of their labels and lengths.

    labels:      value -> how many samples have it; of a regression the quantiles "0%", "25%",
                 "50%", "75%", "100%" and "positive", the share of labels above 0.
    lengths:     "shortest", "median", "longest": steps that are no padding.
    empty_texts: samples whose text is all zero.
    """

    name: str
    samples: int
    labels: dict[str, float] = field(default_factory=dict)
    lengths: dict[str, float] | None = None
    empty_texts: int | None = None


@dataclass
class Report:
    """What one file or directory is.

    kind:    "affect", "av-mnist", "mm-imdb", "features", "study" or "captions".
    title:   the same in words.
    use:     what it can be given to, as arguments of ``mmalign``; empty if it is not usable.
    """

    path: Path
    kind: str
    title: str
    use: list[str] = field(default_factory=list)
    arrays: list[ArraySummary] = field(default_factory=list)
    splits: list[SplitSummary] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, severity: str, where: str, what: str, remedy: str) -> None:
        """Add a :class:`Problem`."""
        self.problems.append(Problem(severity, printable(where), printable(what), remedy))

    @property
    def usable(self) -> bool:
        """Whether nothing keeps it from being used: warnings and notes do not."""
        return all(problem.severity != "error" for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain containers, problems sorted by severity."""
        content = asdict(self)
        content["path"] = printable(str(self.path))
        content["usable"] = self.usable
        content["use"] = self.use if self.usable else []
        content["problems"] = [asdict(problem) for problem in self.sorted_problems()]
        return content

    def sorted_problems(self) -> list[Problem]:
        """Return the problems, errors first, otherwise in the order in which they were found."""
        return sorted(self.problems, key=lambda problem: SEVERITIES.index(problem.severity))
