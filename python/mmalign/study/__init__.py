"""Studies: cells that are trained and measured once, kept for good, and read back as tables."""

from __future__ import annotations

from .cell import AlignmentCell, EncoderCell
from .description import Alignment, Study
from .presets import PRESETS, av_digits_study
from .results import StudyResults, load_results, write_tables
from .run import RunSummary, run_study
from .store import CellStore, DamagedCell

__all__ = [
    "PRESETS",
    "Alignment",
    "AlignmentCell",
    "CellStore",
    "DamagedCell",
    "EncoderCell",
    "RunSummary",
    "Study",
    "StudyResults",
    "av_digits_study",
    "load_results",
    "run_study",
    "write_tables",
]
