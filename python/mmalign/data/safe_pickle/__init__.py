"""Pickles of numpy arrays and plain containers, read without running anything in them."""

from __future__ import annotations

from .reading import read_pickle

__all__ = ["read_pickle"]
