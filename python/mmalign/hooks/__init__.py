"""Representations of any torch module's layers, gathered while it runs."""

from __future__ import annotations

from .collect import collect
from .collected import Collected

__all__ = ["Collected", "collect"]
