"""Training one encoder on one view, reproducibly to the bit."""

from __future__ import annotations

from .determinism import reproducible
from .fit import Fitted, TrainingDiverged, TrainingSettings, fit
from .represent import accuracy, represent
from .view import ViewData

__all__ = [
    "Fitted",
    "TrainingDiverged",
    "TrainingSettings",
    "ViewData",
    "accuracy",
    "fit",
    "represent",
    "reproducible",
]
