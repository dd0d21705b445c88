"""Features of models, layer by layer, in files that say where they are from."""

from __future__ import annotations

from ..data.checksums import verify_features
from .run import Extraction, extract_features
from .samples import open_samples
from .source import open_source

__all__ = [
    "Extraction",
    "extract_features",
    "open_samples",
    "open_source",
    "verify_features",
]
