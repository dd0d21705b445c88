"""The synthetic study: alignment and performance on data whose information is known exactly."""

from __future__ import annotations

from .description import SyntheticStudy
from .presets import PRESETS, synthetic_study
from .results import load_synthetic_results
from .run import run_synthetic_study

__all__ = [
    "PRESETS",
    "SyntheticStudy",
    "load_synthetic_results",
    "run_synthetic_study",
    "synthetic_study",
]
