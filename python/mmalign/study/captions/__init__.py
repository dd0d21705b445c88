"""The study of captions: alignment, uniqueness and how well language models predict."""

from __future__ import annotations

from .description import CaptionStudy
from .run import run_caption_study

__all__ = ["CaptionStudy", "run_caption_study"]
