"""MOSI, MOSEI, UR-FUNNY and MUStARD as MultiBench distributes them."""

from __future__ import annotations

from .layouts import LAYOUTS, AffectLayout, affect_layout
from .loading import load_affect

__all__ = ["LAYOUTS", "AffectLayout", "affect_layout", "load_affect"]
