"""An answer to a question with a known truth, and what to call it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# How far a number may be from the truth: of code in float64, in float32 or less, and of ours.
TOLERANCES = {"float64": 1e-8, "float32": 1e-4}
OUR_TOLERANCE = 1e-6

RIGHT = ("agrees", "refuses", "says NaN")


@dataclass(frozen=True)
class Answer:
    """A number, or what was raised instead."""

    value: float = math.nan
    raised: str | None = None


def tolerance(dtype: np.dtype, computes_in: str | None = None) -> float:
    """Of code that computes in the type it is given, unless it is known to use another."""
    name = computes_in or np.dtype(dtype).name
    return TOLERANCES["float64" if name == "float64" else "float32"]


def judge(answer: Answer, truth: float | None, within: float) -> str:
    """`truth` is None where there is none."""
    if truth is None:
        if answer.raised:
            return "refuses"
        return "says NaN" if math.isnan(answer.value) else "makes it up"
    if answer.raised:
        return "raises"
    return "agrees" if abs(answer.value - truth) <= within else "differs"
