"""Spoken digits in noise: which voice says what, the noise around it, and its MFCC."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..optional import require
from .speech import SAMPLE_RATE, Utterance, speak

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

ACCENTS = (
    "en-us",
    "en-us-nyc",
    "en",
    "en-gb-x-rp",
    "en-gb-scotland",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-029",
)
VARIANTS = (
    *("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5"),
    *("Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Gene", "Henrique", "Hugo", "Jacky"),
    *("Lee", "Marco", "Mario", "Michael", "Mike", "Reed", "Storm", "adam", "aunty", "belinda"),
    *("benjamin", "boris", "caleb", "croak", "david", "ed", "edward", "grandma", "grandpa"),
    *("iven", "john", "klatt", "klatt3", "klatt6", "linda", "marcelo", "max", "michel", "norbert"),
    *("pablo", "paul", "quincy", "rob", "sandro", "shelby", "steph", "travis", "victor", "whisper"),
)
RATES = (110, 240)
PITCHES = (20, 80)
PITCH_RANGES = (10, 90)

CLIP_SAMPLES = 35 * 512
"""0.81 s: the shortest signal of 36 frames, one every 512 samples and one at each end."""
LATEST_ONSET = 2205
SIGNAL_TO_NOISE_DECIBELS = (-5.0, 15.0)
NOISE_EXPONENTS = (0.0, 2.0)
MFCC_COEFFICIENTS = 20
HOP_SAMPLES = 512
WINDOW_SAMPLES = 2048


def draw_utterances(per_digit: int, seed: int) -> list[Utterance]:
    """Draw ``per_digit`` different ways to say each digit; digit d holds rows d * per_digit on.

    Accent, variant, rate, pitch and pitch range are drawn uniformly and independently.
    """
    generator = np.random.default_rng([seed, 0])
    utterances: dict[Utterance, None] = {}
    for digit, name in enumerate(DIGIT_NAMES):
        while len(utterances) < (digit + 1) * per_digit:
            accent = ACCENTS[generator.integers(len(ACCENTS))]
            variant = VARIANTS[generator.integers(len(VARIANTS))]
            rate, pitch, pitch_range = (
                int(generator.integers(low, high, endpoint=True))
                for low, high in (RATES, PITCHES, PITCH_RANGES)
            )
            utterances[Utterance(name, f"{accent}+{variant}", rate, pitch, pitch_range)] = None
    return list(utterances)


def spoken_digit_mfcc(utterances: list[Utterance], seed: int) -> Iterator[np.ndarray]:
    """Yield each utterance in its own noise as MFCC: (20, 36) float32, in decibels.

    The word starts up to 0.1 s into a clip of 0.81 s and is cut at its end. The noise is Gaussian
    with a spectrum f^-e, e uniform in 0 .. 2 (white to brown), at a signal-to-noise ratio uniform
    in -5 .. 15 dB, power of the word against power of the noise. Onset, colour, ratio and noise are
    drawn from the seed and the utterance's number. Raises UserError if two utterances come out
    alike.
    """
    spoken: dict[bytes, Utterance] = {}
    for number, (utterance, samples) in enumerate(zip(utterances, speak(utterances), strict=True)):
        twin = spoken.setdefault(samples.tobytes(), utterance)
        if twin is not utterance:
            raise UserError(f"espeak-ng says {twin} and {utterance} alike.")
        generator = np.random.default_rng([seed, 1, number])
        yield mfcc(noisy_clip(samples / 32768.0, generator))


def speak_in_noise(utterances: list[Utterance], seed: int, progress: bool) -> np.ndarray:
    """Return :func:`spoken_digit_mfcc` of all utterances, (n, 20, 36) float32.

    progress: say on standard error what is being made, with a bar where that is a terminal.
    """
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True, quiet=not progress)
    console.print("Making the spoken digits, once: about half a minute.")
    sounds = track(
        spoken_digit_mfcc(utterances, seed),
        description="Speaking",
        total=len(utterances),
        console=console,
        disable=not console.is_terminal,
    )
    return np.stack(list(sounds))


def noisy_clip(word: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Place a word, (n_samples,) in -1 .. 1, in a clip of noise: (17920,) float32."""
    power = np.mean(word**2)
    word = word[:CLIP_SAMPLES]
    onset = generator.integers(min(LATEST_ONSET, CLIP_SAMPLES - len(word)), endpoint=True)
    decibels = generator.uniform(*SIGNAL_TO_NOISE_DECIBELS)
    clip = coloured_noise(CLIP_SAMPLES, generator.uniform(*NOISE_EXPONENTS), generator)
    clip *= np.sqrt(power / 10 ** (decibels / 10))
    clip[onset : onset + len(word)] += word
    return clip.astype(np.float32)


def coloured_noise(n: int, exponent: float, generator: np.random.Generator) -> np.ndarray:
    """Return n samples of Gaussian noise of power 1 whose spectrum falls as f^-exponent."""
    spectrum = np.fft.rfft(generator.standard_normal(n))
    # Flat below 50 Hz: brown noise would otherwise put its power where nothing is heard.
    frequencies = np.maximum(np.fft.rfftfreq(n, 1 / SAMPLE_RATE), 50.0)
    noise = np.fft.irfft(spectrum * frequencies ** (-exponent / 2), n)
    return noise / np.sqrt(np.mean(noise**2))


def mfcc(clip: np.ndarray) -> np.ndarray:
    """Return the MFCC of a clip, (17920,) at 22050 Hz: (20 coefficients, 36 frames) float32.

    Librosa's defaults: 128 mel bands over windows of 2048 samples, log power in decibels no more
    than 80 below the loudest, orthonormal DCT.
    """
    librosa = require("librosa", "MFCC")
    spectrum = librosa.stft(clip, n_fft=WINDOW_SAMPLES, hop_length=HOP_SAMPLES)
    decibels = librosa.power_to_db(_mel_filters() @ np.abs(spectrum) ** 2)
    return librosa.feature.mfcc(S=decibels, n_mfcc=MFCC_COEFFICIENTS).astype(np.float32)


@lru_cache(maxsize=1)
def _mel_filters() -> csr_array:
    # Librosa's one-call MFCC makes them anew for every clip, half of its time. Sparse, so that no
    # threaded matrix product makes the bits depend on the number of threads.
    filters = require("librosa", "MFCC").filters.mel(sr=SAMPLE_RATE, n_fft=WINDOW_SAMPLES)
    return require("scipy.sparse", "MFCC").csr_array(filters)


def recipe() -> dict[str, object]:
    """Return every choice above, as JSON, for the record beside the data."""
    return {
        "words": list(DIGIT_NAMES),
        "accents": list(ACCENTS),
        "variants": list(VARIANTS),
        "words_per_minute": list(RATES),
        "pitch": list(PITCHES),
        "pitch_range": list(PITCH_RANGES),
        "sample_rate_hertz": SAMPLE_RATE,
        "clip_samples": CLIP_SAMPLES,
        "latest_onset_samples": LATEST_ONSET,
        "signal_to_noise_decibels": list(SIGNAL_TO_NOISE_DECIBELS),
        "noise_spectrum_exponent": list(NOISE_EXPONENTS),
        "mfcc_coefficients": MFCC_COEFFICIENTS,
        "hop_samples": HOP_SAMPLES,
        "window_samples": WINDOW_SAMPLES,
    }
