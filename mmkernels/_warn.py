"""Warnings that point at the caller's line, however many functions of this package lie between."""

from __future__ import annotations

import sys
import warnings


def warn(message: str) -> None:
    """A RuntimeWarning at the innermost line outside mmkernels."""
    level, frame = 1, sys._getframe(0)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "mmkernels":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RuntimeWarning, stacklevel=level)
