"""The order in which people count: model-9 before model-10."""

from __future__ import annotations

import re


def natural_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key in which runs of digits count as numbers; of equal ones ("1", "01"), the text."""
    parts = re.split(r"(\d+)", name)
    # By length, then as text: int() refuses runs of thousands of digits.
    stripped = [part.lstrip("0") if part.isdecimal() else None for part in parts]
    return [
        (-1, part) if digits is None else (len(digits), digits)
        for part, digits in zip(parts, stripped, strict=True)
    ], name
