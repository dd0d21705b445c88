"""Inputs of a study of captions whose answers are known: alignment falls with U and with noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from mmalign.captions import CaptionSets, write_caption_sets
from mmalign.data.arrays import sha256_of_file
from mmalign.study.captions import CaptionStudy

LEVELS = (0, 50, 100)
N = 60
WORDS = [
    "a",
    "bridge",
    "over",
    "the",
    "river",
    "near",
    "two",
    "dogs",
    "in",
    "snow",
    "at",
    "night",
    "with",
    "old",
    "friends",
    "and",
    "green",
    "boats",
]


def write_sets(path: Path, levels=LEVELS, n: int = N) -> CaptionSets:
    """Captions of random words, longer by some words a level."""
    generator = np.random.default_rng(0)
    captions = tuple(
        tuple(
            " ".join(generator.choice(WORDS, 4 + place + generator.integers(4))) for _ in range(n)
        )
        for place in range(len(levels))
    )
    sets = CaptionSets(tuple(levels), captions)
    write_caption_sets(path, sets)
    return sets


def write_inputs(directory: Path, models: int = 5, levels=LEVELS, n: int = N) -> CaptionStudy:
    """Caption sets, three vision models in two families, and language models with more or less
    noise: the more of it, the more bits per byte."""
    write_sets(directory / "sets.json", levels, n)
    generator = np.random.default_rng(1)
    shared, other = generator.normal(size=(2, n, 4))
    for name, noise in (("dinov2_small", 0.3), ("dinov2_base", 0.2), ("vit_mae", 0.8)):
        save_layers(directory / "vision" / f"{name}.safetensors", shared, noise, generator)
    for level in levels:
        meaning = (1 - level / 100) * shared + level / 100 * other
        for model in range(models):
            noise = 0.3 + 0.15 * model
            bits = 1 + noise + 0.1 * generator.random(n)
            path = directory / "features" / str(level) / f"model-{model}.safetensors"
            save_layers(path, meaning, noise, generator, bits_per_byte=bits)
    return CaptionStudy(
        directory / "sets.json",
        sha256_of_file(directory / "sets.json"),
        directory / "vision",
        directory / "features",
        tuple(levels),
        k=5,
        permutations=20,
    )


def save_layers(
    path: Path, meaning: np.ndarray, noise: float, generator: np.random.Generator, **extras
) -> None:
    """Two layers of which the second holds the meaning, and other numbers a sample."""
    path.parent.mkdir(parents=True, exist_ok=True)
    n, width = meaning.shape
    layers = {
        "layer_000": generator.normal(size=(n, 6)).astype(np.float32),
        "layer_001": (meaning + noise * generator.normal(size=(n, width))).astype(np.float32),
    }
    save_file({**layers, **extras}, path)
