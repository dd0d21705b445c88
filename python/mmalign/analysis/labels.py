"""Numbers and metrics as text for people."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

# Keeps "k = 10" on one line.
NO_BREAK = "\u00a0"


_LONGEST_SLUG = 40


def decimal(value: float | None, digits: int = 2) -> str:
    """A number between -1 and 1 without its leading zero: ``.81``, ``−.20``; NaN is a dash.

    A number that rounds to zero keeps its first digit (``.004``), so that which side of zero an
    interval ends on stays visible.
    """
    if value == 0:
        return "0"
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(value):.{digits}f}"
    while float(text) == 0 and abs(value) > 1e-9 and digits < 9:
        digits += 1
        text = f"{abs(value):.{digits}f}"
    if text.startswith("0."):
        text = text[1:]
    return f"−{text}" if value < 0 and text.strip(".0") else text


def metric_label(metric: str, options: str, *, brief: bool = False) -> str:
    """The name of a metric with its options (the JSON text of a study's tables) in words.

    brief: without what is done to representations beforehand, for the axis of a figure.
    """
    values = json.loads(options) if options else {}
    prepared = [] if brief else _preparation(values)
    if metric == "mutual_knn":
        details = [f"k{NO_BREAK}={NO_BREAK}{values.get('k', '?')}"]
        if values.get("metric", "cosine") != "cosine":
            details.append(str(values["metric"]))
        return f"mutual nearest neighbours ({', '.join(details + prepared)})"
    if metric == "cka":
        kernel = values.get("kernel", "linear")
        details = ["unbiased" if values.get("unbiased", True) else "biased"]
        if kernel == "rbf":
            sigma = values.get("sigma") or "median"
            details.append("median bandwidth" if sigma == "median" else f"bandwidth {sigma}")
        name = "linear" if kernel == "linear" else kernel.upper()
        return f"{name} CKA ({', '.join(details + prepared)})"
    details = [f"{name} = {value}" for name, value in values.items() if value is not None]
    return f"{metric} ({', '.join(details)})" if details else metric


def _preparation(values: dict[str, Any]) -> list[str]:
    """The options of :mod:`mmalign.study.preparation` in words."""
    words = []
    if "samples" in values:
        words.append(f"first{NO_BREAK}{values['samples']}{NO_BREAK}samples")
    if "clamp" in values:
        words.append(f"clamped at the {decimal(values['clamp'])}{NO_BREAK}quantile")
    if "unit_rows" in values:
        words.append("rows of length 1")
    return words


def metric_slug(metric: str, options: str) -> str:
    """The name of a metric with its options, fit for a file name."""
    values = json.loads(options) if options else {}
    words = [metric]
    for name, value in values.items():
        if isinstance(value, bool):
            words += [name] if value else []
        elif value is not None:
            words.append(str(value) if isinstance(value, str) else f"{name}{value}")
    return file_slug("-".join(words))


def file_slug(text: str) -> str:
    """``text`` as part of a file name: short, lower case, of ASCII letters, digits and ``-_.``.

    Text that is such a name already stays as it is; other text gets a hash at its end, so that
    different texts have different names.
    """
    kept = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-"
        for letter in text.lower()
    )[:_LONGEST_SLUG]
    if kept == text:
        return kept
    return f"{kept}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def joined(parts: list[str], separator: str = ", ") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{separator.join(parts[:-1])} and {parts[-1]}"
