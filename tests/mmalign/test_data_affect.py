from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from mmalign.data.affect import LAYOUTS, affect_layout, load_affect
from mmalign.data.sources import load_dataset
from mmalign.errors import UserError

from .affect_files import SIZES, affect_content, write_affect
from .hostile_pickles import python2_pickle

NAMES = [layout.name for layout in LAYOUTS]
N = sum(SIZES.values())


def write(path: Path, content) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.fixture
def save(tmp_path):
    return lambda content: write(tmp_path / "data.pkl", content)


def plain_preparation(content, audio_floor=-np.inf):
    """The recipe, one sample at a time, in float64."""
    views = {view: [] for view in ("vision", "audio", "text")}
    for part in content.values():
        keep = [i for i, text in enumerate(part["text"]) if (text != 0).any()]
        for view, samples in views.items():
            samples.append(np.array([part[view][i] for i in keep], dtype=np.float64))
    for values in views["audio"]:
        values[values == audio_floor] = 0
    for view in ("vision", "audio"):
        first = views[view][0][:, :50].reshape(-1, views[view][0].shape[2])
        mean, deviation = first.mean(axis=0), first.std(axis=0)
        views[view] = [(values - mean) / deviation for values in views[view]]
    starts = [(t != 0).any(axis=1).argmax() for split in views["text"] for t in split]
    prepared, lengths = {}, []
    for view, splits in views.items():
        samples = [sample for split in splits for sample in split]
        prepared[view] = np.zeros((len(samples), 50, samples[0].shape[1]))
        for row, (sample, start) in enumerate(zip(samples, starts, strict=True)):
            cut = sample[start:][:50]
            prepared[view][row, : len(cut)] = cut
    lengths = [min(len(t) - s, 50) for t, s in zip(samples, starts, strict=True)]
    return prepared, lengths


@pytest.mark.parametrize("name", NAMES)
def test_views_splits_and_labels(tmp_path, name):
    layout = affect_layout(name)
    dataset = load_affect(write_affect(tmp_path, name), name)
    assert dataset.name == name
    assert {view: array.shape for view, array in dataset.views.items()} == {
        view: (N, 50, width) for view, width in layout.widths.items()
    }
    assert {array.dtype for array in dataset.views.values()} == {np.dtype(np.float32)}
    assert {split: rows.tolist() for split, rows in dataset.splits.items()} == {
        "train": list(range(24)),
        "valid": list(range(24, 32)),
        "test": list(range(32, 42)),
    }
    stored = [part["labels"].ravel() for part in affect_content(name).values()]
    assert dataset.task == layout.task
    if layout.task == "regression":
        assert (dataset.labels.dtype, dataset.n_classes) == (np.float64, 1)
        np.testing.assert_array_equal(dataset.labels, np.concatenate(stored))
    else:
        assert (dataset.labels.dtype, dataset.n_classes) == (np.int64, 2)
        np.testing.assert_array_equal(dataset.labels, np.concatenate(stored) > 0)
        assert set(dataset.labels) == {0, 1}


@pytest.mark.parametrize("steps", [50, 20, 63])
def test_preparation_follows_the_recipe(save, steps):
    content = affect_content("mosi", steps=steps)
    content["train"]["text"][3] = 0
    content["test"]["text"][9] = 0
    content["train"]["audio"][5, 2:4, 1] = -np.inf
    content["valid"]["audio"][0, -1] = -np.inf
    content["train"]["vision"][3] = np.nan  # of a sample that is dropped
    expected, lengths = plain_preparation(content)
    dataset = load_affect(save(content), "mosi")
    assert [len(dataset.splits[split]) for split in SIZES] == [23, 8, 9]
    for view, values in expected.items():
        np.testing.assert_allclose(dataset.views[view], values, rtol=2e-6, atol=2e-6)
        assert dataset.padding[view].sum(axis=1).tolist() == [50 - length for length in lengths]
        assert (dataset.views[view][dataset.padding[view]] == 0).all()
        assert (np.diff(dataset.padding[view].astype(int), axis=1) >= 0).all()
    kept = np.delete(content["train"]["labels"].ravel(), 3)
    np.testing.assert_array_equal(dataset.labels[:23], kept)


def test_text_is_left_as_it_is(save):
    content = affect_content("mosi")
    start = int((content["train"]["text"][0] != 0).any(axis=1).argmax())
    text = load_affect(save(content), "mosi").views["text"][0]
    np.testing.assert_array_equal(text[: 50 - start], content["train"]["text"][0, start:])


def test_a_constant_feature_becomes_zero(save):
    content = affect_content("mosi")
    for part in content.values():
        part["audio"][:, :, 2] = 0.1
    content["test"]["audio"][0, :, 2] = 7
    dataset = load_affect(save(content), "mosi")
    assert (dataset.views["audio"][:, :, 2] == 0).all()
    assert np.abs(dataset.views["audio"][:, :, 1]).max() > 1


def test_constant_over_fifty_steps_and_not_after_them(save):
    content = affect_content("mosi", steps=60)
    content["train"]["vision"][:, :50, 4] = 0
    content["train"]["vision"][:, 50:, 4] = 1
    assert (load_affect(save(content), "mosi").views["vision"][:, :, 4] == 0).all()


def test_numbers_too_close_to_have_a_deviation(save):
    content = affect_content("mosi")
    content["train"]["vision"] = content["train"]["vision"].astype(np.float64)
    content["train"]["vision"][:, :, 0] = 0
    content["train"]["vision"][0, 0, 0] = 1e-300
    assert (load_affect(save(content), "mosi").views["vision"][:, :, 0] == 0).all()


@pytest.mark.parametrize("shape", [(-1, 1, 1), (-1, 1), (-1,)])
@pytest.mark.parametrize(("name", "dtype"), [("mosi", "f8"), ("humor", "f4"), ("sarcasm", "i8")])
def test_labels_of_any_shape(save, tmp_path, name, dtype, shape):
    content = affect_content(name)
    expected = load_affect(write_affect(tmp_path, name), name).labels
    for part in content.values():
        part["labels"] = part["labels"].reshape(shape).astype(dtype)
    np.testing.assert_array_equal(load_affect(save(content), name).labels, expected)


IDS = {
    "missing": lambda n: None,
    "texts": lambda n: [f"v{i}" for i in range(n)],
    "bytes": lambda n: np.array([b"v%d" % i for i in range(n)]),
    "objects": lambda n: np.array([f"v{i}" for i in range(n)], dtype=object),
    "rows": lambda n: np.array([[f"v{i}", 0.5, None] for i in range(n)], dtype=object),
    "lists": lambda n: [["v", b"w", i] for i in range(n)],
}


@pytest.mark.parametrize("make", IDS.values(), ids=IDS)
def test_ids_of_any_kind(save, make):
    content = affect_content("mosi")
    for part in content.values():
        del part["id"]
        if (ids := make(len(part["labels"]))) is not None:
            part["id"] = ids
    assert len(load_affect(save(content), "mosi")) == N


def test_the_same_bits_whatever_the_pickle(tmp_path, save):
    content = affect_content("mosei")
    path = save(content)
    fingerprints = set()
    for protocol in (2, 3, 4, 5):
        path.write_bytes(pickle.dumps(content, protocol=protocol))
        fingerprints.add(load_affect(path, "mosei").fingerprint)
    for part in content.values():
        part["vision"] = np.asfortranarray(part["vision"].astype(">f8"))
    fingerprints.add(load_affect(save(content), "mosei").fingerprint)
    assert len(fingerprints) == 1


def test_pickles_of_python_2(tmp_path):
    content = affect_content("sarcasm", sizes={"train": 5, "valid": 2, "test": 2})
    nested = b""
    for split, part in content.items():
        part["id"] = part["id"].astype("S")
        body = python2_pickle(part)[2:-1]
        nested += b"U" + bytes([len(split)]) + split.encode() + body.replace(b"q\x00", b"", 1)
    path = tmp_path / "sarcasm.pkl"
    path.write_bytes(b"\x80\x02}(" + nested + b"u.")
    expected = load_affect(write(tmp_path / "new.pkl", content), "sarcasm")
    assert load_affect(path, "sarcasm").fingerprint == expected.fingerprint


@pytest.mark.parametrize(
    ("name", "source"), [("humor", "ur-funny"), ("sarcasm", "mustard"), ("mosi", "mosi")]
)
def test_names_and_places(tmp_path, name, source):
    path = write_affect(tmp_path, name)
    expected = load_affect(path, name)
    for place in (path, path.parent, tmp_path):
        assert load_affect(place, source).fingerprint == expected.fingerprint
        assert load_dataset(f"{source}:{place}").fingerprint == expected.fingerprint
    assert load_dataset(f"{name}:{path}").name == name


def test_other_names_and_places(tmp_path):
    with pytest.raises(UserError, match=r"no affect dataset 'iemocap'; there are mosi, mosei, hum"):
        load_affect(tmp_path, "iemocap")
    with pytest.raises(UserError, match=r"holds no mosei/mosei_senti_data.pkl, the file of MOSEI"):
        load_affect(tmp_path, "mosei")
    with pytest.raises(UserError, match=r"none.pkl does not exist"):
        load_affect(tmp_path / "none.pkl", "mosei")
    (tmp_path / "data.csd").touch()
    with pytest.raises(
        UserError, match=r"suffix '.csd'; affect data is read from .pkl, .pickle, .h"
    ):
        load_affect(tmp_path / "data.csd", "mosei")


def test_a_file_of_another_dataset(tmp_path):
    path = write_affect(tmp_path, "mosi")
    with pytest.raises(UserError, match=r"vision 20, audio 5, text 300 wide; those of MOSEI are"):
        load_affect(path, "mosei")
