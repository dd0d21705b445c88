"""The report of a study of captions."""

from __future__ import annotations

from .write import write_caption_report

__all__ = ["write_caption_report"]
