"""Sounds as they lie on disks: channels, depths, and files that end early."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from mmalign.errors import UserError
from mmalign.extract.media import AudioFile

WAVE = 0.4 * np.sin(np.arange(800) / 7)


def loaded(path, wave, rate=16000, **options) -> np.ndarray:
    soundfile.write(path, wave, rate, **options)
    return AudioFile(path).load(16000)


def test_channels_are_averaged_and_depths_are_alike(tmp_path):
    path = tmp_path / "a.wav"
    stereo = loaded(path, np.stack([WAVE, 0 * WAVE], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(stereo, WAVE / 2, atol=1e-6)
    np.testing.assert_allclose(loaded(path, WAVE, subtype="PCM_U8"), WAVE, atol=1 / 127)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_file_that_ends_early_is_no_sound(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    loaded(path, np.tile(WAVE, 20))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=rf"a\.{suffix} is damaged or not a sound"):
        AudioFile(path).load(16000)


def test_a_wav_from_a_pipe_is_whole(tmp_path):
    path = tmp_path / "a.wav"
    wave = loaded(path, WAVE)
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 4 + content[8:])
    np.testing.assert_array_equal(AudioFile(path).load(16000), wave)
