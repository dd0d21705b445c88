"""A directory measured with itself, and what the page then says; names that differ at their end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmalign.measure.gallery import Gallery
from mmalign.measure.gallery_run import GalleryRequest, measure_galleries
from mmalign.measure.metrics import metric
from mmalign.measure.models import find_models, open_model
from mmalign.measure.pairs import measure_pair
from mmalign.measure.results import ranked
from mmalign.measure.store import open_directory
from mmalign.report.measure.heat_maps import drawn_names

from .command_line import run
from .many_models import features, write_model


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for model in (2, 10, 1):
        write_model(tmp_path / "x" / f"m-{model}.safetensors", features(model, model, 6))
    return find_models(tmp_path / "x")


def test_numbers_in_names_count(models):
    assert [model.name for model in models] == ["m-1", "m-2", "m-10"]


def test_a_model_with_itself_has_two_different_layers_compared(models):
    found = measure_pair(metric("mutual_knn", k=3), models[0], models[0])
    np.testing.assert_array_equal(np.diag(found.scores), 1)
    row, column = found.best
    assert row != column
    others = found.scores[~np.eye(3, dtype=bool)]
    assert found.score == others.max() < 1


def test_a_single_layer_with_itself_is_the_same(tmp_path):
    np.save(tmp_path / "a.npy", features(0, 1, 4)[0])
    model = open_model(tmp_path / "a.npy")
    assert measure_pair(metric("mutual_knn", k=3), model, model).score == 1


def test_ranking_leaves_out_what_goes_without_saying(models):
    pairs = [measure_pair(metric("cka"), x, y) for x in models for y in models]
    order = ranked(pairs)
    assert {order[0].x.name, order[0].y.name} == {"m-2", "m-10"}
    assert len({frozenset((pair.x.name, pair.y.name)) for pair in order}) == len(order) == 3
    assert [pair.score for pair in order] == sorted((pair.score for pair in order), reverse=True)
    assert ranked(pairs[:1]) == pairs[:1]
    distances = [measure_pair(metric("procrustes_distance"), models[0], y) for y in models[1:]]
    assert ranked(distances)[0].score == min(pair.score for pair in distances)


def test_page_of_a_directory_with_itself(capsys, models):
    arguments = ["measure", "x", "x", "--metrics", "mutual_knn,procrustes_distance", "--k", "3"]
    code, output, errors = run(capsys, *arguments, "--permutations", "3")
    assert code == 0, errors
    page = Path("measure-x-x/report.html").read_text()
    assert "most alike are m-2 and m-10" in page
    assert "takes 19 permutations or more, and there are 3" in page
    assert "Of a model and itself, two different layers are compared." in page
    assert "Less is more alike." in page
    assert "m-10  m-10" not in output


def test_page_of_two_single_layers_has_no_map_of_one_square(capsys, models):
    np.save("a.npy", features(0, 1, 4)[0])
    np.save("b.npy", features(1, 1, 4)[0])
    run(capsys, "measure", "a.npy", "b.npy", "--metric", "mutual_knn", "--k", "3", "--out", "one")
    page = Path("one/report.html").read_text()
    assert "<img" not in page
    assert "a and b reach" in page
    assert "value ." in page.replace("\u00a0", " ")


def test_galleries_of_a_model_with_itself_are_of_two_different_layers(tmp_path, models):
    request = GalleryRequest(Gallery(48, 8, (24, 48), ("3",)))
    table = measure_galleries(models[:1], models, request, open_directory(tmp_path / "out"))
    own = table[table["y"] == models[0].name]
    assert (own["layer_x"] != own["layer_y"]).all()


@pytest.mark.parametrize(
    ("names", "drawn"),
    [
        (["gpt2", "bert"], ["gpt2", "bert"]),
        (
            ["pythia-410m--wit-captions--mean", "gpt2--wit-captions--mean"],
            ["pythia-410m", "gpt2"],
        ),
        (
            [f"openai--clip-vit-large-patch14-epoch-{epoch}--wit--cls" for epoch in (1, 12)],
            ["…large-patch14-epoch-1", "…large-patch14-epoch-12"],
        ),
        (["a" * 40], ["a" * 11 + "…" + "a" * 12]),
        (["model-" + "x" * 30, "model"], ["model-xxxxx…" + "x" * 12, "model"]),
        (["same-name-that-is-long-enough"] * 2, ["…that-is-long-enough"] * 2),
    ],
)
def test_long_names_are_drawn_by_what_tells_them_apart(names, drawn):
    assert drawn_names(names) == drawn
