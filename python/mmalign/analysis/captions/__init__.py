"""Answers of a study of captions, from its tables alone."""

from __future__ import annotations

from .results import CaptionResults, load_caption_results
from .statistics import caption_statistics

__all__ = ["CaptionResults", "caption_statistics", "load_caption_results"]
