from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from mmalign.data.affect import load_affect
from mmalign.errors import UserError

from .affect_files import affect_content
from .hostile_pickles import Calls


def write(path: Path, content) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.fixture
def save(tmp_path):
    return lambda content: write(tmp_path / "data.pkl", content)


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
    "list": ("mosi", "train", "audio", lambda a: a.tolist(), "audio of train is a list"),
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


def test_a_value_too_far_from_the_training_samples(save):
    content = affect_content("mosi")
    content["train"]["audio"] *= 1e-3
    content["test"]["audio"][2, 49, 1] = 3e38
    with pytest.raises(UserError, match=r"audio of test, standardised, has .*e[+]\d+ in sample 2"):
        load_affect(save(content), "mosi")


def test_a_signalling_nan_is_told_like_another(save, recwarn):
    content = affect_content("mosi")
    content["train"]["vision"].view(np.uint32)[2, 49, 1] = 0x7F800001
    with pytest.raises(UserError, match=r"vision of train has nan in sample 2, step 49, feature 1"):
        load_affect(save(content), "mosi")
    assert len(recwarn) == 0
