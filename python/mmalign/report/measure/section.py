"""What both pages are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..style import Panel


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, drawings, and a table: heads, and rows of as many cells.

    texts: how many of the first columns are words; the others are numbers.
    """

    title: str
    text: str
    panels: list[Panel]
    heads: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    texts: int = 0
