from __future__ import annotations

import numpy as np
import pytest

from mmalign.data.affect import LAYOUTS, load_affect

from .affect_files import affect_content, write_affect
from .check_reports import check_one, problems, save
from .hdf5_files import write_affect_hdf5


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_affect_files(tmp_path, layout):
    path = write_affect(tmp_path, layout.name)
    report = check_one(path)
    assert (report.kind, report.title) == ("affect", f"{layout.title}, affect data of MultiBench")
    assert (report.usable, report.problems) == (True, [])
    assert report.use == [
        f"study affect --dataset {layout.name} --path {path}",
        f'load_dataset("{layout.title.lower()}:{path}")',
    ]
    arrays = {array.name: array for array in report.arrays}
    assert arrays["train/vision"].shape == (24, 50, layout.widths["vision"])
    assert arrays["test/audio"].dtype == "float32"
    assert (arrays["test/audio"].nan, arrays["test/audio"].infinite) == (0, 0)
    train = report.splits[0]
    assert (train.name, train.samples, train.empty_texts) == ("train", 24, 0)
    dataset = load_affect(path, layout.name)
    lengths = (~dataset.padding["text"]).sum(axis=1)[:24]
    assert train.lengths == {
        "shortest": lengths.min(),
        "median": np.median(lengths),
        "longest": lengths.max(),
    }
    labels = affect_content(layout.name)["train"]["labels"].ravel()
    if layout.task == "regression":
        assert list(train.labels) == ["0%", "25%", "50%", "75%", "100%", "positive"]
        assert train.labels["50%"] == pytest.approx(np.median(labels))
        assert train.labels["positive"] == pytest.approx(np.mean(labels > 0))
    else:
        assert sum(train.labels.values()) == 24
        assert train.labels["1"] == (labels > 0).sum()


def test_hdf5_and_pickle_are_alike(tmp_path):
    content = affect_content("mosi")
    first = check_one(save(tmp_path / "mosi.pkl", content)).as_json()
    second = check_one(write_affect_hdf5(tmp_path / "mosi.h5", content)).as_json()
    for key in ("kind", "title", "splits", "problems", "usable"):
        assert first[key] == second[key]


@pytest.mark.parametrize(
    ("name", "file", "found"),
    [
        ("sarcasm", "data.pkl", ["sarcasm"]),
        ("humor", "data.pkl", ["humor", "sarcasm"]),
        ("humor", "UR-FUNNY.pkl", ["humor"]),
        ("humor", "mustard.pkl", ["sarcasm"]),
    ],
)
def test_names_or_labels_tell_humor_from_sarcasm(tmp_path, name, file, found):
    report = check_one(save(tmp_path / file, affect_content(name)))
    assert [use.split()[3] for use in report.use if use.startswith("study")] == found


def test_the_wrong_mosei(tmp_path):
    content = affect_content("mosei")
    for part in content.values():
        part["vision"] = np.ones((*part["vision"].shape[:2], 713), np.float32)
    report = check_one(save(tmp_path / "mosei_raw.pkl", content))
    assert not report.usable
    assert report.use == []
    assert report.title == "mosei_raw.pkl of MultiBench, not the MOSEI of the studies"
    assert problems(report, "error") == ["vision: 713 wide"]
    assert report.problems[0].remedy == "use mosei_senti_data.pkl, 35 wide"


def test_what_the_recipe_handles_is_noted(tmp_path):
    content = affect_content("mosi")
    content["train"]["text"][[2, 5]] = 0
    content["train"]["audio"][7, :3, 0] = -np.inf
    for part in content.values():
        part["audio"][:, :, 4] = 1
    content["valid"]["text"][1, -2:] = 0
    content["test"]["id"][1] = content["test"]["id"][0]
    report = check_one(save(tmp_path / "mosi.pkl", content))
    assert report.usable
    assert problems(report) == [
        "train/text: 2 samples are all zero",
        "train/audio: 3 values are -inf",
        "train/audio: 1 features are constant",
        "valid/text: 1 samples end without text",
        "test/id: 1 ids are repeated",
    ]
    assert report.splits[0].empty_texts == 2


def test_samples_in_two_splits_are_warned_of(tmp_path):
    content = affect_content("mosi")
    for key in ("text", "id"):
        content["test"][key][:3] = content["train"][key][4:7]
    content["valid"]["id"][0] = content["train"]["id"][0]
    report = check_one(save(tmp_path / "mosi.pkl", content))
    assert report.usable
    assert problems(report, "warning") == ["train, test: 3 samples have the same text in both"]
    assert problems(report, "note") == ["train, valid/id: 1 ids are in both, with different texts"]


def spoil(split, key, change):
    def spoiled(content):
        content[split][key] = change(content[split][key])
        return content

    return spoiled


def nan(array):
    array[3, 49, :2] = np.nan
    array[4, 49, 0] = np.inf
    return array


SPOILED = {
    "NaN": (
        spoil("test", "vision", nan),
        ["mosi: vision of test has nan in sample 3, step 49, feature 0"],
    ),
    "labels": (spoil("test", "labels", lambda a: a[:4]), ["test: test has 10 samples and 4 label"]),
    "list": (spoil("train", "text", list), ["train: text of train is a list"]),
    "missing": (
        lambda c: {"train": c["train"], "test": c["test"]},
        ["valid: the file has no such split"],
    ),
    "width": (
        spoil("train", "audio", lambda a: a[:, :, 1:]),
        ["vision/audio/text: the widths are"],
    ),
    "other widths in test": (
        spoil("test", "audio", lambda a: a[:, :, 1:]),
        ["mosi: test has features vision 20, audio 4, text 300 wide"],
    ),
    "all": (
        lambda c: {split: {"text": 1} for split in c},
        [
            "vision/audio/text: the widths are not to be told",
            *(f"{split}: {split} has no vision, audio, labels" for split in ("train", "valid")),
        ],
    ),
}


@pytest.mark.parametrize(("change", "expected"), SPOILED.values(), ids=SPOILED)
def test_what_must_be_repaired(tmp_path, change, expected):
    report = check_one(save(tmp_path / "mosi.pkl", change(affect_content("mosi"))))
    assert not report.usable
    assert report.as_json()["use"] == []
    found = problems(report, "error")
    for sentence, start in zip(found, expected, strict=False):
        assert sentence.startswith(start)
    assert len(found) >= len(expected)


def test_no_text_at_all(tmp_path):
    content = spoil("valid", "text", np.zeros_like)(affect_content("mosi"))
    report = check_one(save(tmp_path / "mosi.pkl", content))
    assert problems(report)[0] == "mosi: valid has no sample whose text is not all zero"
    assert (report.splits[1].empty_texts, report.splits[1].lengths) == (8, None)


def test_how_many_values_are_missing(tmp_path):
    content = spoil("test", "vision", nan)(affect_content("mosi"))
    report = check_one(save(tmp_path / "mosi.pkl", content))
    assert problems(report, "warning") == ["test/vision: 2 values are NaN, 1 infinite"]
    summary = next(array for array in report.arrays if array.name == "test/vision")
    assert (summary.nan, summary.infinite, summary.constant_features) == (2, 1, 0)


def test_opinions_on_another_scale(tmp_path):
    content = spoil("train", "labels", lambda a: 10 * a)(affect_content("mosi"))
    report = check_one(save(tmp_path / "mosi.pkl", content))
    assert report.usable
    assert "opinions are from -3 to 3" in problems(report, "warning")[0]
