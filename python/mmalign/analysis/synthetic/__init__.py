"""What a synthetic study says: the published statistics, the corrected ones, and answers."""

from __future__ import annotations

from .answers import Answer, answers
from .checks import check_sentences, check_statistics
from .corrected import corrected_statistics, looks
from .paper import paper_statistics
from .tables import SyntheticResults, load_tables

__all__ = [
    "Answer",
    "SyntheticResults",
    "answers",
    "check_sentences",
    "check_statistics",
    "corrected_statistics",
    "load_tables",
    "looks",
    "paper_statistics",
]
