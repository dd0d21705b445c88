"""Captions at graded levels of change: reading, writing and making them."""

from __future__ import annotations

from .perturb import PERTURBATIONS, UNITS, perturb_captions
from .sets import CaptionSets, load_caption_sets, write_caption_sets

__all__ = [
    "PERTURBATIONS",
    "UNITS",
    "CaptionSets",
    "load_caption_sets",
    "perturb_captions",
    "write_caption_sets",
]
