"""Does alignment between modalities emerge, does it predict performance, should one enforce it?"""

from __future__ import annotations

from typing import Any

__all__ = ["collect"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import and most commands do without it.
    if name == "collect":
        from .hooks import collect

        return collect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
