"""Features of language models for the captions of every level, where they are not there yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ...captions import CaptionSets
from ...errors import UserError
from ...extract import Extraction, extract_features, open_source
from ...extract.samples import Samples
from .inputs import level_digest, level_folder


def extract_levels(
    sets: CaptionSets,
    levels: Sequence[int],
    language_models: Sequence[str],
    features: Path,
    *,
    dtype: str,
    device: str,
    console: Console,
) -> None:
    """Write FEATURES/LEVEL/MODEL.safetensors, mean over tokens, all layers and bits per byte.

    language_models: directories, or hf:owner/name. What is there is kept, and a run that was
    stopped goes on in the middle of a file. Raises UserError where two models have one name, and
    what :func:`mmalign.extract.extract_features` raises.
    """
    sources = [open_source(model) for model in language_models]
    names = [source.name.replace("/", "_") for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"Two language models are called {name}; rename the directory of one.")
    extraction = Extraction(pooling="mean", dtype=dtype, device=device)
    for source, name in zip(sources, names, strict=True):
        for level in levels:
            path = level_folder(features, level) / f"{name}.safetensors"
            samples = level_samples(sets, level)
            extract_features(source, samples, path, extraction, console)


def level_samples(sets: CaptionSets, level: int) -> Samples:
    """Return the captions of a level as texts for a model."""
    captions = sets.at(level)
    return Samples(
        f"captions at {level}%",
        "text",
        len(captions),
        level_digest(captions),
        lambda: iter(captions),
    )
