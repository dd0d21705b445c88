"""The study of digits and voices: one study of encoders for each balance of information."""

from __future__ import annotations

from .description import DigitsAndVoicesStudy
from .presets import PRESETS, digits_and_voices_study
from .results import DigitsAndVoicesResults, load_digits_and_voices_results
from .run import run_digits_and_voices_study

__all__ = [
    "PRESETS",
    "DigitsAndVoicesResults",
    "DigitsAndVoicesStudy",
    "digits_and_voices_study",
    "load_digits_and_voices_results",
    "run_digits_and_voices_study",
]
