"""The order in which people count: model-9 before model-10."""

from __future__ import annotations

import re


def natural_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key in which runs of digits count as numbers; of equal ones ("1", "01"), the text."""
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name
