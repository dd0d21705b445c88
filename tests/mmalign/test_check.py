from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from mmalign.captions import perturb_captions, write_caption_sets
from mmalign.check import check_data
from mmalign.data.av_mnist import write_av_mnist
from mmalign.errors import UserError
from mmalign.files import write_json

from .affect_files import affect_content, write_affect
from .check_reports import check_one, problems, save
from .command_line import run, run_json
from .hdf5_files import write_mm_imdb
from .hostile_pickles import Calls


@pytest.fixture
def av_mnist(tmp_path):
    generator = np.random.default_rng(0)
    sizes = {"train": 24, "test": 6}
    write_av_mnist(
        tmp_path / "avmnist",
        {part: generator.integers(0, 256, (n, 784)).astype("u1") for part, n in sizes.items()},
        {part: generator.normal(size=(n, 20, 36)) for part, n in sizes.items()},
        {part: np.arange(n) % 10 for part, n in sizes.items()},
    )
    return tmp_path / "avmnist"


def test_av_mnist(av_mnist):
    report = check_one(av_mnist)
    assert (report.kind, report.usable, problems(report)) == ("av-mnist", True, [])
    assert report.use[0] == f"study av-mnist --path {av_mnist}"
    assert [(split.name, split.samples) for split in report.splits] == [("train", 24), ("test", 6)]
    assert report.splits[0].labels == {str(k): 3 if k < 4 else 2 for k in range(10)}


def test_faults_of_av_mnist(av_mnist):
    np.save(av_mnist / "audio" / "train_data.npy", np.zeros((24, 112, 112)))
    (av_mnist / "image" / "test_data.npy").unlink()
    report = check_one(av_mnist)
    assert problems(report) == [
        f"image/test_data.npy: {av_mnist}/image/test_data.npy does not exist"
    ]
    images = np.load(av_mnist / "image" / "train_data.npy")
    np.save(av_mnist / "image" / "test_data.npy", images[:6])
    report = check_one(av_mnist)
    assert "the MFCC are in avmnist_mfcc" in problems(report, "error")[0]
    assert problems(report, "warning") == ["train, test: 6 samples have the same image in both"]


def test_mm_imdb(tmp_path):
    path = write_mm_imdb(tmp_path / "multimodal_imdb.hdf5", sizes=(60, 20, 30))
    for place in (path, tmp_path):
        report = check_one(place)
        assert (report.kind, report.usable, problems(report)) == ("mm-imdb", True, [])
        assert [split.samples for split in report.splits] == [60, 20, 30]
        assert len(report.splits[0].labels) == 23
        assert report.use == [f'load_dataset("mm-imdb:{path}:drama")']


def test_faults_of_mm_imdb(tmp_path):
    genres = np.ones((22, 23), np.int32)
    genres[::2, 1:] = 0
    ids = np.array(["1"] * 22, dtype="S7")
    report = check_one(write_mm_imdb(tmp_path / "m.hdf5", genres=genres, imdb_ids=ids))
    assert report.usable
    assert problems(report)[:4] == [
        "train: all films or none are Drama",
        "valid: all films or none are Drama",
        "test: all films or none are Drama",
        "train, valid: 1 samples have the same imdb_ids in both",
    ]


def test_features(tmp_path):
    layers = {f"layer_{i:03}": np.random.default_rng(i).normal(size=(9, 4)) for i in range(3)}
    save_file(layers, tmp_path / "model.safetensors")
    report = check_one(tmp_path / "model.safetensors")
    assert (report.kind, report.usable, problems(report)) == ("features", True, [])
    assert report.title == "features of 9 samples in 3 layers"
    assert [array.name for array in report.arrays] == list(layers)
    torch.save(torch.ones(9, 4, dtype=torch.bfloat16).cumsum(0), tmp_path / "other.pt")
    reports = check_data(tmp_path)
    assert [report.path.name for report in reports] == ["model.safetensors", "other.pt"]
    assert reports[1].arrays[0].dtype == "bfloat16"


@pytest.mark.parametrize(
    ("change", "usable", "message"),
    [
        (lambda a: np.where(a > 1, np.nan, a), False, r"NaN, 0 infinite"),
        (lambda a: np.where(a > 1, np.inf, a), False, r"0 values are NaN, \d infinite"),
        (lambda a: a * (np.arange(9) > 1)[:, None], True, "2 samples are all zero"),
        (lambda a: np.ones_like(a), False, "all features are constant"),
        (lambda a: a * [1, 1, 0, 1], True, "1 features are constant"),
        (lambda a: a[[0, 1, 2, 3, 4, 5, 6, 0, 1]], True, "2 samples repeat an earlier one"),
    ],
)
def test_faults_of_features(tmp_path, change, usable, message):
    array = np.random.default_rng(0).normal(size=(9, 4))
    np.save(tmp_path / "a.npy", change(array))
    report = check_one(tmp_path / "a.npy")
    assert report.usable == usable
    assert len(report.problems) >= 1
    assert re.search(message, problems(report)[0])


def test_a_useless_layer_among_others_is_a_warning(tmp_path):
    layers = np.random.default_rng(0).normal(size=(5, 9, 4))
    layers[:, 8] = layers[:, 0]
    layers[0] = 1
    np.save(tmp_path / "a.npy", layers)
    report = check_one(tmp_path / "a.npy")
    assert report.usable
    assert [(problem.severity, problem.where) for problem in report.problems] == [
        ("warning", "a[0]"),
        ("warning", "a[1], ..., a[4] (4)"),
    ]
    assert report.problems[0].remedy.endswith("measurements leave the layer out")


def test_studies_and_captions(tmp_path):
    study = tmp_path / "study"
    write_json(study / "study.json", {"name": "av-digits"})
    (study / "cells").mkdir()
    (study / "cells" / "a.safetensors").touch()
    report = check_one(study)
    assert (report.kind, report.usable) == ("study", True)
    assert report.title == "the study 'av-digits' with 1 finished cells"
    assert report.use == [f"report {study}"]
    sets = perturb_captions(["one two", "three four"], [0, 50], perturb="delete", unit="word")
    write_caption_sets(tmp_path / "sets.json", sets)
    report = check_one(tmp_path / "sets.json")
    assert (report.kind, report.title) == ("captions", "2 captions, changed by 0%, 50%")
    assert report.use == [
        f"study captions {tmp_path / 'sets.json'} --vision DIR --language-model DIR"
    ]


def test_a_directory_of_several(tmp_path):
    for name in ("mosi", "sarcasm"):
        write_affect(tmp_path, name)
    write_mm_imdb(tmp_path / "multimodal_imdb.hdf5")
    assert [report.kind for report in check_data(tmp_path)] == ["affect", "affect", "mm-imdb"]


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="none does not exist"):
        check_data(tmp_path / "none")
    with pytest.raises(UserError, match="holds nothing that is read here; read are affect data"):
        check_data(tmp_path)
    (tmp_path / "a.txt").touch()
    with pytest.raises(UserError, match=r"a.txt is nothing that is read here"):
        check_data(tmp_path / "a.txt")
    with pytest.raises(UserError, match=r"a.pkl holds builtins.print, which is not read"):
        check_data(save(tmp_path / "a.pkl", Calls(print)))
    with pytest.raises(UserError, match=r"a.pkl: it is a list; expected a dictionary with train"):
        check_data(save(tmp_path / "a.pkl", [1]))
    write_mm_imdb(tmp_path / "a.h5", genres=None)
    with pytest.raises(UserError, match=r"a.h5 holds features, images, imdb_ids, vgg_features; "):
        check_data(tmp_path / "a.h5")


def test_command(capsys, tmp_path):
    path = write_affect(tmp_path, "mosi")
    code, output, errors = run(capsys, "data", "check", str(path))
    assert (code, errors) == (0, "")
    assert output.startswith(f"{path}: MOSI, affect data of MultiBench.\n")
    assert "train/vision   24 x 50 x 20  float32    0         0                  0" in output
    assert f"    mmalign study affect --dataset mosi --path {path}\n" in output
    content = run_json(capsys, "data", "check", str(path))
    assert content["usable"]
    assert content["reports"][0]["splits"][0]["samples"] == 24
    assert content["reports"][0] == json.loads(json.dumps(check_one(path).as_json()))


def test_exit_codes(capsys, tmp_path):
    content = affect_content("mosi")
    content["test"]["vision"][3, 49, 0] = np.nan
    path = save(tmp_path / "mosi.pkl", content)
    code, output, errors = run(capsys, "data", "check", str(path))
    assert (code, errors) == (1, "")
    assert "\nerror: mosi: vision of test has nan in sample 3" in output
    assert "Not usable as it is." in output
    assert "mmalign study" not in output
    assert run(capsys, "data", "check", str(path), "--json")[0] == 1
    path.write_bytes(path.read_bytes()[:1000])
    code, output, errors = run(capsys, "data", "check", str(path))
    assert (code, output) == (2, "")
    assert errors.startswith(f"mmalign: {path} (1000 bytes) is truncated, damaged or not a pickle")


def test_paths_with_spaces_can_be_pasted(capsys, tmp_path):
    place = tmp_path / "my data"
    place.mkdir()
    shutil.move(write_affect(tmp_path, "mosi"), place / "mosi_data.pkl")
    output = run(capsys, "data", "check", str(place))[1]
    assert f"--dataset mosi --path '{place}/mosi_data.pkl'\n" in output
