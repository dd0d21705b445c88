"""Words spoken by espeak-ng, the same samples for the same list of utterances."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np

from ..errors import UserError
from ..optional import require

SAMPLE_RATE = 22050
"""Samples per second of every utterance."""

_SCRIPT = Path(__file__).with_name("espeak.py")


@dataclass(frozen=True)
class Utterance:
    """What to say and how.

    voice:       an espeak-ng voice, optionally with a variant: "en-us", "en-gb-scotland+f3".
    rate:        words per minute, 80 .. 450.
    pitch:       0 .. 99, 50 is the voice's own.
    pitch_range: 0 .. 99, 0 is monotone, 50 is the voice's own.
    """

    text: str
    voice: str = "en-us"
    rate: int = 175
    pitch: int = 50
    pitch_range: int = 50

    def __post_init__(self) -> None:
        if not self.text.strip() or "\0" in self.text:
            raise UserError(f"text must be words to say, got {self.text!r}.")
        if not self.voice or "\0" in self.voice:
            raise UserError(f"voice must name an espeak-ng voice, got {self.voice!r}.")
        limits = {"rate": (80, 450), "pitch": (0, 99), "pitch_range": (0, 99)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise UserError(f"{name} must be an integer in {low} .. {high}, got {value!r}.")


def speak(utterances: Iterable[Utterance]) -> Iterator[np.ndarray]:
    """Yield the samples of each utterance in turn: (n_samples,) int16 at 22050 Hz.

    Samples depend on the list up to the utterance and on nothing else: each call starts its own
    espeak-ng process (about 0.1 s, then about 1 ms a word), so calls in several threads do not
    meet. Raises UserError if espeak-ng is missing, crashes, or does not know a voice.
    """
    requests = [astuple(utterance) for utterance in utterances]
    with _running_espeak(requests) as espeak:
        for request in requests:
            (count,) = struct.unpack("=i", espeak.read(4, request))
            yield np.frombuffer(espeak.read(2 * count, request), dtype=np.int16)


def espeak_version() -> str:
    """Return the version of the espeak-ng library that speaks."""
    with _running_espeak([]) as espeak:
        return espeak.version


class _Espeak:
    """A running espeak-ng process and where its output stands."""

    def __init__(self, process: subprocess.Popen[bytes], errors: BinaryIO, requests: list) -> None:
        self._process = process
        self._errors = errors
        # The process reads all of its input before it speaks, so this cannot lock up; one that
        # died at once shows in the header that is missing.
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(json.dumps(requests).encode())
        header = json.loads(process.stdout.readline() or self._fail("before speaking"))
        self.version: str = header["version"]
        if header["sample_rate"] != SAMPLE_RATE:
            raise UserError(
                f"espeak-ng {self.version} speaks at {header['sample_rate']} Hz, expected "
                f"{SAMPLE_RATE} Hz."
            )

    def read(self, size: int, request: tuple) -> bytes:
        content = self._process.stdout.read(size)
        return content if len(content) == size else self._fail(f"while saying {request}")

    def _fail(self, when: str) -> NoReturn:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        if code == 2 and lines:
            raise UserError(lines[-1])
        raise UserError(f"The espeak-ng process ended with code {code} {when}.")


@contextmanager
def _running_espeak(requests: list) -> Iterator[_Espeak]:
    # Isolated mode: the script needs the standard library only, whatever surrounds it.
    command = [sys.executable, "-I", str(_SCRIPT), *_locate_espeak()]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
        try:
            yield _Espeak(process, errors, requests)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def _locate_espeak() -> tuple[str, str]:
    espeakng_loader = require("espeakng_loader", "speech")
    library = Path(espeakng_loader.get_library_path())
    if not library.is_file():
        raise UserError(f"The espeakng-loader package has no library at {library}.")
    try:
        return str(library), espeakng_loader.get_data_path()
    except RuntimeError as error:
        raise UserError(f"The espeakng-loader package has no voices ({error}).") from None
