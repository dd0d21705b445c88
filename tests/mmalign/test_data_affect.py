from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from mmalign.data.affect import LAYOUTS, affect_layout, load_affect
from mmalign.data.sources import load_dataset
from mmalign.errors import UserError

from .affect_files import SIZES, affect_content, write_affect
from .hostile_pickles import Calls, python2_pickle

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


def spoiled(name, split, key, change):
    content = affect_content(name)
    content[split][key] = change(content[split][key])
    return content


def put(index, value):
    def change(array):
        array[index] = value
        return array

    return change


ragged = np.empty(24, dtype=object)
ragged[:] = [np.zeros((3 + i, 20)) for i in range(24)]
FAULTS = {
    "NaN": ("mosi", "test", "vision", put((4, 3, 2), np.nan), "vision of test has nan in sample 4"),
    "inf": ("mosi", "train", "audio", put((6, 49, 1), np.inf), "has inf in sample 6, step 49, fea"),
    "-inf": ("mosi", "valid", "text", put((1, 49, 9), -np.inf), "text of valid has -inf in sampl"),
    "too large": (
        "mosi",
        "train",
        "text",
        lambda a: put((0, 49, 0), 1e60)(a.astype("f8")),
        "has 1e[+]60 in sample 0",
    ),
    "objects": ("mosi", "train", "vision", lambda a: ragged, "holds object .samples of different"),
    "text for numbers": ("mosi", "train", "text", lambda a: a.astype("U4"), "holds <U4; expected"),
    "list": ("mosi", "train", "text", lambda a: a.tolist(), "text of train is a list"),
    "flat": ("mosi", "train", "text", lambda a: a[:, :, 0], r"shape \(24, 50\); expected \(sam"),
    "empty": ("mosi", "valid", "text", lambda a: a[:0], r"shape \(0, 50, 300\); expected"),
    "steps": (
        "mosi",
        "valid",
        "audio",
        lambda a: a[:, :40],
        r"audio \(8, 40, 5\) and text \(8, 50",
    ),
    "samples": ("mosi", "valid", "vision", lambda a: a[:7], r"has vision \(7, 50, 20\), audio"),
    "width": ("mosi", "train", "vision", lambda a: a[:, :, :19], "has features vision 19, audio 5"),
    "raw mosei": (
        "mosei",
        "train",
        "vision",
        lambda a: np.zeros((24, 50, 713)),
        r"It looks like mosei_raw.pkl; mosei_senti_data.pkl is the one",
    ),
    "few labels": ("mosi", "test", "labels", lambda a: a[:9], "10 samples and 9 labels"),
    "wide labels": ("mosi", "test", "labels", lambda a: np.zeros((10, 1, 7)), r"\(10, 1, 7\); ex"),
    "text labels": ("mosi", "test", "labels", lambda a: a.astype("U"), "hold <U32; expected an"),
    "list of labels": ("mosi", "test", "labels", lambda a: a.tolist(), "labels of test hold list"),
    "NaN label": ("mosi", "test", "labels", put(3, np.nan), "have nan for sample 3"),
    "label 2": ("humor", "test", "labels", put(3, 2), "have 2 for sample 3; those of UR-FUNNY are"),
    "few ids": (
        "mosi",
        "test",
        "id",
        lambda a: a[:3],
        "a ndarray of 3; expected one name for each",
    ),
    "one id": ("mosi", "test", "id", lambda a: np.array("a"), "a ndarray; expected one name for"),
    "number as ids": ("mosi", "test", "id", lambda a: 3, "id of test is a int; expected one name"),
    "no text at all": ("mosi", "valid", "text", np.zeros_like, "valid has no sample whose text"),
}


@pytest.mark.parametrize(("name", "split", "key", "change", "message"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_said(save, name, split, key, change, message):
    with pytest.raises(UserError, match=rf"data.pkl: .*{message}"):
        load_affect(save(spoiled(name, split, key, change)), name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: [c], "it is a list; expected a dictionary with train, valid, test"),
        (lambda c: {"train": c["train"]}, "it has no valid, test; it has train"),
        (lambda c: {}, "it has no train, valid, test; it has nothing"),
        (lambda c: c | {"valid": 3}, "valid is a int; expected a dictionary with vision, audio"),
        (lambda c: c | {"test": {"text": 1}}, "test has no vision, audio, labels; it has text"),
        (lambda c: {"train": Calls(print)}, r"holds builtins\.print, which is not read"),
    ],
)
def test_other_contents(save, change, message):
    with pytest.raises(UserError, match=rf"data.pkl:? .*{message}"):
        load_affect(save(change(affect_content("mosi"))), "mosi")


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


def test_a_signalling_nan_is_told_like_another(save, recwarn):
    content = affect_content("mosi")
    content["train"]["vision"].view(np.uint32)[2, 49, 1] = 0x7F800001
    with pytest.raises(UserError, match=r"vision of train has nan in sample 2, step 49, feature 1"):
        load_affect(save(content), "mosi")
    assert len(recwarn) == 0
