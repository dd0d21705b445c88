"""Which picture and which words are made: every combination of the latents equally often."""

from __future__ import annotations

import numpy as np

from ..speech import Utterance
from ..spoken_digits import DIGIT_NAMES, PITCH_RANGES, RATES
from .balance import DIGITS, TURNS, VOICES

COMBINATIONS = DIGITS * TURNS * VOICES
MOST_BLOCKS = 15
"""Blocks of all 256 combinations: 480 of the 500 pictures there are of each digit."""
FEWEST_BLOCKS = 3

SPEAKERS = (
    *("en-us+linda", "en-us+travis", "en-us+john", "en-us+Hugo"),
    *("en-us+Alicia", "en-us+boris", "en-us+Reed", "en-us+whisper"),
)
"""The voices. Those that sound alike differ in the highest bit of their number only."""
PITCHES = (40, 60)


def split_blocks(blocks: int) -> tuple[int, int, int]:
    """Return how many blocks are for training, validation and testing: 9, 2 and 4 of 15."""
    test, valid = max(1, blocks * 4 // 15), max(1, blocks * 2 // 15)
    return blocks - test - valid, valid, test


def draw_latents(blocks: int, seed: int) -> np.ndarray:
    """Return digit, turn and voice of every sample: (256 blocks, 3) int64.

    Every 256 rows in a row hold every combination once, in random order.
    """
    generator = np.random.default_rng([seed, 0])
    numbers = np.tile(np.arange(COMBINATIONS), (blocks, 1))
    numbers = generator.permuted(numbers, axis=1).ravel()
    return np.stack(np.unravel_index(numbers, (DIGITS, TURNS, VOICES)), axis=1)


def draw_utterances(latents: np.ndarray, seed: int) -> list[Utterance]:
    """Say each sample's digit in its voice.

    Rate and range of the pitch are drawn without replacement within a digit and a voice, the rate
    in steps of two words a minute: espeak-ng says some words at two adjacent rates alike. The pitch
    is uniform. All three are independent of the latents.
    """
    generator = np.random.default_rng([seed, 1])
    rates, ranges = np.empty((2, len(latents)), np.int64)
    for digit in range(DIGITS):
        for voice in range(VOICES):
            rows = np.flatnonzero((latents[:, 0] == digit) & (latents[:, 2] == voice))
            for drawn, (low, high), step in ((rates, RATES, 2), (ranges, PITCH_RANGES, 1)):
                choices = np.arange(low, high + 1, step)
                drawn[rows] = generator.permutation(choices)[: len(rows)]
    pitches = generator.integers(*PITCHES, size=len(latents), endpoint=True)
    return [
        Utterance(DIGIT_NAMES[digit], SPEAKERS[voice], int(rate), int(pitch), int(pitch_range))
        for (digit, _, voice), rate, pitch, pitch_range in zip(
            latents, rates, pitches, ranges, strict=True
        )
    ]


def draw_pictures(
    latents: np.ndarray, pictures: np.ndarray, digits: np.ndarray, seed: int
) -> np.ndarray:
    """Take a picture of each sample's digit, none twice, and turn it: (n, 28, 28) uint8.

    pictures, digits: what there is, (m, 784) uint8 and (m,). Turns are counterclockwise.
    """
    generator = np.random.default_rng([seed, 2])
    chosen = np.empty(len(latents), np.int64)
    for digit in range(DIGITS):
        rows = np.flatnonzero(latents[:, 0] == digit)
        chosen[rows] = generator.permutation(np.flatnonzero(digits == digit))[: len(rows)]
    turned = pictures[chosen].reshape(-1, 28, 28)
    for quarters in range(1, TURNS):
        rows = np.flatnonzero(latents[:, 1] == quarters)
        turned[rows] = np.rot90(turned[rows], quarters, axes=(1, 2))
    return turned
