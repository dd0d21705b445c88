"""The command line: ``mmalign study | measure | report | data``."""

from __future__ import annotations

from .commands import main

__all__ = ["main"]
