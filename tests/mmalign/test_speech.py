from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from mmalign.data import speech
from mmalign.data.speech import SAMPLE_RATE, Utterance, espeak_version, speak
from mmalign.errors import UserError

# Whisper is breath, that is noise; f3 has flutter and roughness; klatt is another synthesiser.
UTTERANCES = [
    Utterance("seven", "en-us+whisper"),
    Utterance("three", "en-gb-scotland+f3", rate=120, pitch=20, pitch_range=80),
    Utterance("seven", "en-us+whisper"),
    Utterance("zero", "en-029+klatt3", rate=240),
]


def test_a_word_sounds():
    (samples,) = speak([Utterance("seven")])
    assert samples.dtype == np.int16
    assert 0.3 < len(samples) / SAMPLE_RATE < 0.7
    assert np.sqrt(np.mean(samples.astype(float) ** 2)) > 500


def test_rate_pitch_and_voice_matter():
    usual, slow, high, other = speak(
        [
            Utterance("seven"),
            Utterance("seven", rate=90),
            Utterance("seven", pitch=90),
            Utterance("seven", "en-us+f3"),
        ]
    )
    assert len(slow) > 1.5 * len(usual)
    for changed in (high, other):
        n = min(len(usual), len(changed))
        assert (changed[:n] != usual[:n]).mean() > 0.5


def test_pitch_is_heard():
    def period(samples):
        voiced = samples[len(samples) // 4 :][:4096].astype(float)
        correlation = np.correlate(voiced, voiced, "full")[len(voiced) - 1 :]
        shortest = SAMPLE_RATE // 400
        return shortest + correlation[shortest : SAMPLE_RATE // 50].argmax()

    low, high = speak([Utterance("one", pitch=p, pitch_range=0) for p in (10, 90)])
    assert period(low) > 1.3 * period(high)


def test_the_same_list_gives_the_same_samples():
    first, second = list(speak(UTTERANCES)), list(speak(UTTERANCES))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_list_does_not_hear_another():
    alone = list(speak(UTTERANCES))
    results = {}

    def run(name):
        results[name] = list(speak(UTTERANCES))

    threads = [threading.Thread(target=run, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for found in results.values():
        for a, b in zip(found, alone, strict=True):
            np.testing.assert_array_equal(a, b)


def test_samples_come_one_at_a_time_and_may_be_abandoned():
    words = speak([Utterance("one")] * 2000)
    assert len(next(words)) > 1000
    words.close()


def test_no_utterances():
    assert list(speak([])) == []


def test_version():
    assert espeak_version().startswith("1.")


@pytest.mark.parametrize(
    ("voice", "message"),
    [
        ("martian", "espeak-ng has no voice 'martian'"),
        ("en-us+nobody", "no voice variant 'nobody', asked for by the voice 'en-us\\+nobody'"),
        ("en-us+../!v/f1", "no voice variant"),
        ("en-us+", "no voice variant ''"),
    ],
)
def test_unknown_voice(voice, message):
    with pytest.raises(UserError, match=message):
        list(speak([Utterance("one"), Utterance("one", voice)]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": " "}, "text must be words to say"),
        ({"text": "a\0b"}, "text must be words to say"),
        ({"text": "one", "voice": ""}, "voice must name"),
        ({"text": "one", "rate": 79}, r"rate must be an integer in 80 \.\. 450, got 79"),
        ({"text": "one", "rate": 120.0}, "rate must be an integer"),
        ({"text": "one", "pitch": 100}, r"pitch must be an integer in 0 \.\. 99, got 100"),
        ({"text": "one", "pitch_range": -1}, "pitch_range must be an integer"),
    ],
)
def test_utterance_limits(arguments, message):
    with pytest.raises(UserError, match=message):
        Utterance(**arguments)


def test_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(UserError, match=r'espeakng_loader is needed .*"mmkernels\[study\]"'):
        list(speak(UTTERANCES))


def loader(monkeypatch, library, data_directory) -> None:
    fake = SimpleNamespace(
        get_library_path=lambda: str(library), get_data_path=lambda: str(data_directory)
    )
    monkeypatch.setitem(sys.modules, "espeakng_loader", fake)


def test_missing_library(monkeypatch, tmp_path):
    loader(monkeypatch, tmp_path / "libespeak-ng.so", tmp_path)
    with pytest.raises(UserError, match=r"no library at .*libespeak-ng.so"):
        list(speak(UTTERANCES))


def test_broken_library(monkeypatch, tmp_path):
    (tmp_path / "libespeak-ng.so").write_text("not a library")
    loader(monkeypatch, tmp_path / "libespeak-ng.so", tmp_path)
    with pytest.raises(UserError, match="library cannot be loaded"):
        list(speak(UTTERANCES))


def test_missing_voices(monkeypatch, tmp_path):
    import espeakng_loader

    loader(monkeypatch, espeakng_loader.get_library_path(), tmp_path / "nothing")
    with pytest.raises(UserError, match=r"cannot read its voices in .*nothing"):
        list(speak(UTTERANCES))


def test_a_crash_is_an_error_that_says_where(monkeypatch, tmp_path):
    script = tmp_path / "crash.py"
    script.write_text(
        "import os, sys\n"
        "sys.stdin.read()\n"
        'print(\'{"sample_rate": 22050, "version": "1"}\', flush=True)\n'
        "os.kill(os.getpid(), 9)\n"
    )
    monkeypatch.setattr(speech, "_SCRIPT", script)
    with pytest.raises(UserError, match=r"ended with code -9 while saying \('one'"):
        list(speak([Utterance("one")]))


def test_another_sample_rate_is_refused(monkeypatch, tmp_path):
    script = tmp_path / "fast.py"
    script.write_text('print(\'{"sample_rate": 16000, "version": "1.9"}\')\n')
    monkeypatch.setattr(speech, "_SCRIPT", script)
    with pytest.raises(UserError, match=r"1\.9 speaks at 16000 Hz, expected 22050 Hz"):
        list(speak([Utterance("one")]))
