"""``mmalign measure``: scores, chance, layers, JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mmalign.cli.measure import METRICS

from .command_line import run, run_json


def test_measure_prints_scores_and_chance(capsys, features):
    code, output, errors = run(capsys, "measure", "a.npy", "b.npy")
    assert (code, errors) == (0, "")
    assert "a.npy and b.npy: 60 samples" in output
    knn = next(line for line in output.splitlines() if line.startswith("mutual_knn (k=10, cosine)"))
    score, chance = map(float, knn.split()[-2:])
    assert chance == pytest.approx(10 / 59, abs=1e-4)
    assert score > 2 * chance
    assert "cka (linear, unbiased)" in output
    assert "best" not in output


def test_measure_agrees_with_mmkernels(capsys, features):
    import mmkernels

    document = run_json(capsys, "measure", "a.npy", "b.npy", "--k", "5", "--similarity", "l2")
    knn, cka = document["results"]
    expected = float(mmkernels.mutual_knn(features["a"], features["b"], k=5, metric="l2"))
    assert knn["matrix"] == [[expected]]
    assert knn["best"] == {"score": expected, "a": "a", "b": "b"}
    assert knn["chance"] == 5 / 59
    assert cka["matrix"][0][0] == float(mmkernels.cka(features["a"], features["b"]))
    assert cka["chance"] == 0
    assert document["n"] == 60
    assert document["a"] == {"path": "a.npy", "layers": [{"name": "a", "shape": [60, 8]}]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--kernel", "rbf"], {"kernel": "rbf", "sigma": "median", "unbiased": True}),
        (["--kernel", "rbf", "--sigma", "2"], {"kernel": "rbf", "sigma": 2.0, "unbiased": True}),
        (["--biased"], {"kernel": "linear", "sigma": None, "unbiased": False}),
    ],
)
def test_measure_options_of_cka(capsys, features, options, expected):
    import mmkernels

    document = run_json(capsys, "measure", "a.npy", "c.npy", "--metric", "cka", *options)
    (result,) = document["results"]
    assert result["options"] == expected
    assert result["chance"] == (0 if expected["unbiased"] else None)
    score = float(mmkernels.cka(features["a"], features["c"], **expected))
    assert result["best"]["score"] == score


def test_measure_many_layers(capsys, features):
    code, output, _ = run(capsys, "measure", "a.npy", "many.npz", "--metric", "mutual_knn")
    assert code == 0
    assert "best of 1 x 2 pairs of layers" in output
    assert "unrelated  related" in output
    document = run_json(capsys, "measure", "a.npy", "many.npz")
    for result in document["results"]:
        assert result["best"]["b"] == "related"
        ((unrelated, related),) = result["matrix"]
        assert result["best"]["score"] == related > unrelated


def test_wide_matrices_are_not_abridged(capsys, features, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    np.save("stack.npy", np.random.default_rng(0).normal(size=(20, 60, 3)))
    output = run(capsys, "measure", "stack.npy", "many.npz", "--metric", "cka")[1]
    assert "…" not in output
    output = run(capsys, "measure", "many.npz", "stack.npy", "--metric", "cka")[1]
    assert "…" not in output
    assert len(output.splitlines()[-1].split()) == 21


def test_layer_axis(capsys, features):
    np.save("stack.npy", np.random.default_rng(0).normal(size=(60, 3, 7)))
    document = run_json(capsys, "measure", "a.npy", "stack.npy", "--layer-axis", "1")
    assert [layer["shape"] for layer in document["b"]["layers"]] == [[60, 7]] * 3


def test_bfloat16_against_numpy(capsys, features):
    import torch

    torch.save(torch.tensor(features["a"]).bfloat16(), "a.pt")
    document = run_json(capsys, "measure", "a.pt", "a.npy", "--metric", "cka")
    assert 0.999 < document["results"][0]["best"]["score"] < 1


def test_a_score_that_is_not_defined(capsys, features):
    arguments = ["measure", "a.npy", "constant.npy", "--metric", "cka"]
    code, output, errors = run(capsys, *arguments)
    assert code == 0
    assert "not defined" in output
    assert errors.startswith("mmalign: note: constant.npy is constant")
    code, output, _ = run(capsys, *arguments, "--json")
    assert json.loads(output)["results"][0]["matrix"] == [[None]]
    assert json.loads(output)["results"][0]["best"] is None


def test_metrics_are_those_of_the_library_and_of_studies():
    import mmkernels
    from mmalign.study.metrics import METRICS as study_metrics

    assert set(study_metrics) <= set(METRICS)
    assert {name.removeprefix("unbiased_") for name in mmkernels.measures()} == set(METRICS)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_measured(capsys, features, metric):
    import mmkernels

    document = run_json(capsys, "measure", "a.npy", "b.npy", "--metric", metric)
    (result,) = document["results"]
    name = f"unbiased_{metric}" if metric in ("cka", "hsic") else metric
    expected = float(mmkernels.measure(name, features["a"], features["b"]))
    assert result["matrix"][0][0] == pytest.approx(expected, rel=1e-9)


def test_the_best_of_distances_is_the_smallest(capsys, features):
    code, output, _ = run(
        capsys, "measure", "many.npz", "b.npy", "--metric", "procrustes_distance", "--json"
    )
    assert code == 0
    (result,) = json.loads(output)["results"]
    assert result["best"]["score"] == pytest.approx(0, abs=1e-6)
