"""The espeak-ng process: reads what to say from standard input, writes samples to standard output.

Run by :mod:`mmalign.data.speech` as a script, one fresh process for each list of utterances:
espeak-ng carries the phase of its pitch flutter and its noise from one word to the next in static
variables that re-initialising the library does not reset, so only a new process says the same list
in the same way. It also keeps a crash of the library away from the caller. Only the standard
library is imported here, which keeps the start short.

Usage:   espeak.py LIBRARY DATA_DIRECTORY
Input:   JSON ``[[text, voice, rate, pitch, pitch_range], ...]``.
Output:  one line of JSON ``{"sample_rate": hertz, "version": text}``, then for each utterance a
         native int32 count and as many native int16 samples.
Failure: one sentence on standard error and exit code 2.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys

# Names and values of espeak-ng's speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1
POS_CHARACTER = 1
EE_OK = 0
PARAMETERS = {"rate": 1, "pitch": 3, "pitch_range": 4}

SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class EspeakError(Exception):
    """A sentence about what espeak-ng refused."""


class Espeak:
    """The espeak-ng library, initialised once, collecting samples instead of playing them."""

    def __init__(self, library_path: str, data_directory: str) -> None:
        try:
            self._library = ctypes.CDLL(library_path)
        except OSError as error:
            raise EspeakError(f"The espeak-ng library cannot be loaded ({error}).") from None
        self._data_directory = data_directory
        self.sample_rate = self._library.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, 0, os.fsencode(data_directory), INITIALIZE_DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise EspeakError(f"espeak-ng cannot read its voices in {data_directory}.")
        self._samples = bytearray()
        # Kept on self: ctypes frees a callback nobody refers to, and espeak-ng calls it later.
        self._callback = SynthCallback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    @property
    def version(self) -> str:
        self._library.espeak_Info.restype = ctypes.c_char_p
        return self._library.espeak_Info(None).decode()

    def say(self, text: str, voice: str, **parameters: int) -> bytes:
        """Return ``text`` spoken by ``voice`` as native int16 samples."""
        self._set_voice(voice)
        for name, value in parameters.items():
            if self._library.espeak_SetParameter(PARAMETERS[name], value, 0) != EE_OK:
                raise EspeakError(f"espeak-ng refuses {name} = {value}.")
        # Breath is noise from a generator that espeak-ng seeds with the time of day.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self._samples.clear()
        encoded = text.encode() + b"\0"
        status = self._library.espeak_Synth(
            encoded, ctypes.c_size_t(len(encoded)), 0, POS_CHARACTER, 0, CHARS_UTF8, None, None
        )
        if status != EE_OK or not self._samples:
            raise EspeakError(f"espeak-ng spoke nothing for {text!r} with the voice {voice!r}.")
        return bytes(self._samples)

    def _set_voice(self, voice: str) -> None:
        # espeak-ng takes an unknown variant for no variant and says nothing.
        _, plus, variant = voice.partition("+")
        variants = os.path.join(self._data_directory, "voices", "!v")
        if plus and variant not in os.listdir(variants):
            raise EspeakError(
                f"espeak-ng has no voice variant {variant!r}, asked for by the voice {voice!r}."
            )
        if self._library.espeak_SetVoiceByName(voice.encode()) != EE_OK:
            raise EspeakError(f"espeak-ng has no voice {voice!r}.")

    def _collect(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, 2 * count)
        return 0


def main() -> None:
    # Whatever the library prints must not mix with the samples.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        espeak = Espeak(*sys.argv[1:])
        header = {"sample_rate": espeak.sample_rate, "version": espeak.version}
        output.write(json.dumps(header).encode() + b"\n")
        for text, voice, rate, pitch, pitch_range in json.load(sys.stdin):
            samples = espeak.say(text, voice, rate=rate, pitch=pitch, pitch_range=pitch_range)
            output.write(struct.pack("=i", len(samples) // 2) + samples)
        output.close()
    except EspeakError as error:
        output.close()
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
