"""What a page is made of, before it is text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..style import Panel


@dataclass(frozen=True)
class Page:
    """``template`` and what fills it, the drawings, and the numbers shown."""

    template: str
    content: dict[str, Any]
    panels: list[Panel]
    statistics: pd.DataFrame


@dataclass(frozen=True)
class Section:
    """One figure or question: ``title``, ``text`` about it, its panels, ``note`` below them."""

    title: str
    text: str
    panels: list[Panel]
    note: str = ""
