"""``mmalign measure`` on directories of models, and on galleries: files, pages, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmkernels
from mmalign.data.features import load_features

from .command_line import run
from .many_models import N, write_models


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_models(tmp_path, 2)
    (tmp_path / "y" / "model_0.safetensors").unlink()
    return tmp_path


def files(directory: str) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in Path(directory).rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def test_two_directories(capsys, models, monkeypatch):
    arguments = ["measure", "x", "y", "--k", "5", "--permutations", "19"]
    code, output, errors = run(capsys, *arguments)
    assert code == 0, errors
    assert "mutual_knn (k=5, cosine): 2 pairs of models" in output
    assert "best by chance" in output
    assert output.splitlines()[-1] == "measure-x-y/report.html"
    table = pd.read_parquet("measure-x-y/pairs.parquet")
    assert list(table["metric"]) == ["mutual_knn"] * 2 + ["cka"] * 2
    layers = [[layer for _, layer in load_features(f"{side}/model_1.safetensors")] for side in "xy"]
    row = table.iloc[1]
    expected = mmkernels.mutual_knn_matrix(*layers, k=5)
    assert row["score"] == np.max(expected)
    assert row["permutations"] == 19
    assert row["p_value"] == 0.05
    page = Path("measure-x-y/report.html").read_text()
    assert "mutual nearest neighbours (k\u00a0=\u00a05): most alike are model_1 and model_1" in page
    assert page.count("<img") == 2 * (2 + 2)
    assert "<script" not in page
    document = json.loads(Path("measure-x-y/results.json").read_text())
    assert [pair["x"] for pair in document["pairs"]] == ["model_0", "model_1"] * 2
    assert document["treatment"] == {"clamp": None, "exact": False, "normalize": False}
    # Again, nothing is measured, and the same is written.
    before = files("measure-x-y")
    monkeypatch.setattr("mmalign.measure.run.compare", None)
    assert run(capsys, *arguments)[0] == 0
    assert files("measure-x-y") == before


def test_json_of_directories(capsys, models):
    arguments = [
        "measure",
        "x",
        "y",
        "--metric",
        "cka",
        "--clamp",
        "0.95",
        "--normalize",
        "--seed",
        "4",
    ]
    code, output, _ = run(capsys, *arguments, "--out", "results", "--json")
    assert code == 0
    document = json.loads(output)
    assert document["treatment"] == {"clamp": 0.95, "exact": False, "normalize": True}
    assert document["seed"] == 4
    assert document["pairs"][0]["options"] == {"kernel": "linear", "sigma": None, "unbiased": True}
    assert document["pairs"][0]["chance"] == 0
    page = Path("results/report.html").read_text()
    assert "clamped at the 0.95 quantile of a sample&#39;s values" in page
    assert "the chance level of the best pair of layers was not computed" in page


def test_a_file_is_a_directory_of_one_model(capsys, models):
    arguments = ["measure", "x/model_1.safetensors", "y", "--metric", "mutual_knn"]
    code, _, errors = run(capsys, *arguments, "--out", "out", "--permutations", "0")
    assert code == 0, errors
    assert len(pd.read_parquet("out/pairs.parquet")) == 1


def test_a_damaged_layer_is_a_note(capsys, models):
    layers = [np.ones((N, 4)), np.random.default_rng(0).normal(size=(N, 4))]
    layers[0][3] = 0
    np.savez("x/third.npz", *layers)
    code, _, errors = run(
        capsys, "measure", "x", "y", "--metric", "mutual_knn", "--permutations", "2", "--out", "out"
    )
    assert code == 0
    assert "note: x/third.npz: arr_0 has a zero row (row 3" in errors
    assert "x/third.npz: arr_0 has a zero row (row 3" in Path("out/report.html").read_text()
    layer_scores = pd.read_parquet("out/layers.parquet").set_index("layer_x")["score"]
    assert layer_scores["arr_0"].isna().all()
    assert layer_scores["arr_1"].notna().all()


def test_galleries(capsys, models):
    arguments = ["measure", "x", "y", "--gallery", "20,48", "--queries", "12"]
    code, output, errors = run(capsys, *arguments, "--neighbors", "3,10%", "--out", "out")
    assert code == 0, errors
    assert output.splitlines()[-1] == "out/galleries.html"
    table = pd.read_parquet("out/galleries.parquet")
    assert len(table) == 2 * 2 * 2
    assert set(zip(table["n"], table["k"], strict=True)) == {(20, 3), (20, 2), (48, 3), (48, 4)}
    page = Path("out/galleries.html").read_text()
    assert "k = n × 10%:" in page
    assert page.count("<img") == 2
    code, output, _ = run(capsys, *arguments, "--neighbors", "3,10%", "--out", "out", "--json")
    rows = json.loads(output)["rows"]
    assert [row["score"] for row in rows] == list(table["score"])


def test_two_files_and_their_layers(capsys, models):
    pair = ["measure", "x/model_0.safetensors", "y/model_1.safetensors"]
    code, output, errors = run(capsys, *pair, "--metric", "mutual_knn", "--k", "4", "--json")
    assert (code, errors) == (0, "")
    (result,) = json.loads(output)["results"]
    assert result["permutations"] == 200
    assert result["chance_of_best"] > result["chance"] == 4 / (N - 1)
    assert not Path("measure-model_0-model_1").exists()
    output = run(capsys, *pair, "--metric", "mutual_knn", "--permutations", "0")[1]
    assert "best by chance" not in output
    code, _, errors = run(
        capsys, *pair, "--gallery", "30", "--layers", "layer_000", "layer_003",
        "--neighbors", "2", "--queries", "5",
    )  # fmt: skip
    assert code == 0, errors
    assert Path("measure-model_0-model_1/galleries.html").exists()


WRONG = [
    (["x", "empty"], "empty holds no features; expected files that end in .npy"),
    (["x", "short"], "samples and short/a.npy has 5; row i of one must be paired"),
    (["x", "y", "--out", "x"], "x is there and holds something other than measurements"),
    (["x", "y", "--queries", "5"], "--queries is for --gallery, which is not given"),
    (["x", "y", "--layers", "a", "b"], "--layers is for --gallery, which is not given"),
    (["x", "y", "--gallery", "20", "--k", "5"], "--k is without --gallery; it takes --neighbors"),
    (["x", "y", "--gallery", "20", "--metric", "cka"], "--gallery is for mutual_knn"),
    (["x", "y", "--gallery", "20", "--biased"], "--biased is for other metrics than mutual_knn"),
    (["x", "y", "--gallery", "20", "--neighbors", "a"], "'a' is not a number of neighbours"),
    (["x", "y", "--gallery", "99"], "A gallery of 99 is asked for, of 48 samples"),
    (["x", "y", "--exact-clamp"], "--exact-clamp is for --clamp, which is not given"),
    (["x", "y", "--clamp", "1"], "1.0 is not in the range 0<x<1"),
    (["x", "y", "--metrics", "cka,knn"], "'knn' is not one of mutual_knn, cka"),
    (["x", "y", "--k", "48"], "k must be between 1 and 47"),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG)
def test_wrong_input_ends_in_one_line_and_code_2(capsys, models, arguments, sentence):
    Path("empty").mkdir()
    Path("short").mkdir()
    np.save("short/a.npy", np.ones((5, 2)))
    code, output, errors = run(capsys, "measure", *arguments)
    assert (code, output) == (2, "")
    assert sentence in errors.splitlines()[-1]
    assert "Traceback" not in errors
