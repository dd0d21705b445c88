"""The samples that a report shows, and why it shows none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmalign.data.paired import paired_dataset, standardize
from mmalign.report import figures_data
from mmalign.report.figures_data import mel_decibels


@pytest.fixture
def digits():
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(10), 6)
    rows = np.arange(60)
    return paired_dataset(
        "av-digits",
        {
            "image": rng.random((60, 28, 28), dtype=np.float32),
            "audio": rng.standard_normal((60, 20, 36)).astype(np.float32),
        },
        labels,
        {"train": rows[:30], "valid": rows[30:40], "test": rows[40:]},
        10,
    )


def study_of(fingerprint, name="av-digits"):
    return {"dataset": {"name": name, "fingerprint": fingerprint}}


def test_examples_are_one_test_sample_of_every_class(digits, monkeypatch):
    asked = []
    monkeypatch.setattr(figures_data, "load_dataset", lambda source: asked.append(source) or digits)
    data, why = figures_data.find_data(study_of(standardize(digits).fingerprint), None)
    assert why == ""
    assert figures_data.has_spectrogram(data)
    first, second = figures_data.example_panels(data)
    assert (first.name, second.name) == ("examples-1", "examples-2")
    assert first.alt == (
        "A test sample each of 0, 1, 2, 3 and 4: image (picture), audio (spectrogram), audio "
        "(values)."
    )
    assert "5, 6, 7, 8 and 9" in second.alt
    assert figures_data.find_data(study_of(digits.fingerprint), "av-mnist:somewhere")[0] is not None
    assert asked == ["av-digits", "av-mnist:somewhere"]


def test_other_data_than_the_study_was_run_on_is_not_shown(digits, monkeypatch):
    monkeypatch.setattr(figures_data, "load_dataset", lambda source: digits)
    data, why = figures_data.find_data(study_of("0" * 64), None)
    assert data is None
    assert why == (
        "Examples are not shown, as av-digits now holds other data than the study was run on "
        "(their fingerprints differ)."
    )


def test_how_sound_became_mfcc_is_known_for_the_built_in_digits_only(digits):
    other = replace(digits, name="av-mnist")
    assert not figures_data.has_spectrogram(figures_data.StudiedData(other, other))


def test_the_spectrogram_is_librosas_inverse_of_mfcc():
    librosa = pytest.importorskip("librosa")
    mfcc = np.random.default_rng(0).normal(scale=30, size=(20, 36)).astype(np.float32)
    wanted = 10 * np.log10(librosa.feature.inverse.mfcc_to_mel(mfcc, n_mels=128))
    np.testing.assert_allclose(mel_decibels(mfcc), wanted, atol=1e-3)
