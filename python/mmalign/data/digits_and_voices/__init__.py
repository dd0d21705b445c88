"""Digits and voices: pictures and sounds whose label is in both, in one, or in neither alone."""

from __future__ import annotations

from .balance import BALANCES, Balance, balances_named
from .build import build_digits_and_voices
from .dataset import DigitsAndVoices, load_digits_and_voices
from .truth import GroundTruth, ground_truth

__all__ = [
    "BALANCES",
    "Balance",
    "DigitsAndVoices",
    "GroundTruth",
    "balances_named",
    "build_digits_and_voices",
    "ground_truth",
    "load_digits_and_voices",
]
