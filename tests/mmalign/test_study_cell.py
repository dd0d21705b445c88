"""Cells: their hashes never change by accident; nonsense is refused."""

from __future__ import annotations

import dataclasses
import json
import pickle

import pytest

from mmalign.errors import UserError
from mmalign.study import Alignment, AlignmentCell, EncoderCell, Study
from mmalign.study.cell import canonical_json, cell_from_json
from mmalign.study.description import study_from_json

from .tiny_study import tiny_dataset, tiny_study

ENCODER = EncoderCell(
    dataset="f" * 64,
    dataset_name="av-digits",
    view="image",
    encoder="patch_vit",
    depth=3,
    seed=1,
    epochs=25,
    learning_rate=1e-3,
    options={"width": 16, "readout": "cls"},
)
ALIGNMENT = AlignmentCell("0" * 16, "1" * 16, "mutual_knn", {"k": 10, "metric": "cosine"})


def test_hashes_are_golden():
    """These name files of people's studies; a change here throws their results away."""
    assert ENCODER.hash == "22fb83468d530d5d"
    assert ALIGNMENT.hash == "691f1beadb41edba"


def test_every_field_changes_the_hash():
    other = {
        "dataset": "e" * 64,
        "dataset_name": "x",
        "view": "audio",
        "encoder": "mlp",
        "depth": 4,
        "seed": 2,
        "epochs": 26,
        "learning_rate": 2e-3,
        "weight_decay": 1e-4,
        "batch_size": 32,
        "clip": 4.0,
        "options": {"width": 16},
    }
    assert set(other) == {field.name for field in dataclasses.fields(EncoderCell)}
    hashes = {dataclasses.replace(ENCODER, **{name: value}).hash for name, value in other.items()}
    assert len(hashes | {ENCODER.hash}) == len(other) + 1


def test_hash_does_not_depend_on_order_or_number_type():
    same = dataclasses.replace(ENCODER, options={"readout": "cls", "width": 16}, weight_decay=0)
    assert same.hash == ENCODER.hash
    assert same == ENCODER
    assert {same: 1}[ENCODER] == 1


def test_random_streams_pair_cells_that_differ_in_hyper_parameters():
    assert dataclasses.replace(ENCODER, learning_rate=0.1).stream == ENCODER.stream
    streams = {
        dataclasses.replace(ENCODER, depth=depth, seed=seed, view=view).stream
        for depth in range(1, 11)
        for seed in range(5)
        for view in ("image", "audio")
    }
    assert len(streams) == 100
    assert all(0 <= stream < 2**63 for stream in streams)


@pytest.mark.parametrize("cell", [ENCODER, ALIGNMENT])
def test_json_round_trip(cell):
    assert cell_from_json(json.loads(canonical_json(cell.describe()))) == cell
    assert pickle.loads(pickle.dumps(cell)) == cell


def test_unreadable_cells_are_refused():
    with pytest.raises(UserError, match="schema 99; this version of mmalign reads 1"):
        cell_from_json({**ENCODER.describe(), "schema": 99})
    with pytest.raises(UserError, match="kind 'decoder' cannot be read"):
        cell_from_json({**ENCODER.describe(), "kind": "decoder"})
    with pytest.raises(UserError, match="colour"):
        cell_from_json({**ENCODER.describe(), "colour": 1})
    with pytest.raises(UserError, match="epochs must be an integer"):
        cell_from_json({**ENCODER.describe(), "epochs": -1})
    with pytest.raises(UserError, match=r"depth of an encoder must be .* at least 1, got 0"):
        cell_from_json({**ENCODER.describe(), "depth": 0})


def test_study_round_trip():
    study = tiny_study()
    content = json.loads(json.dumps(study.describe()))
    assert study_from_json(content) == study
    assert content["seeds"] == [1]
    assert len(study.cells()) == 4 + 2 * 2 * 2
    content["cells"][1]["depth"] = 7
    with pytest.raises(UserError, match=r"study\.json was altered"):
        study_from_json(content)
    del content["cells"]
    with pytest.raises(UserError, match="does not describe a study"):
        study_from_json(content)


def test_studies_that_make_no_sense():
    study = tiny_study()
    with pytest.raises(UserError, match="no encoders"):
        dataclasses.replace(study, encoder_cells=())
    with pytest.raises(UserError, match=r"lists picture mlp of depth 1, seed 1 more than once"):
        dataclasses.replace(study, encoder_cells=study.encoder_cells[:1] * 2)
    with pytest.raises(UserError, match="'smell', for which it trains no encoder"):
        dataclasses.replace(study, alignments=(Alignment("cka", "picture", "smell"),))
    with pytest.raises(UserError, match="no metric 'rsa2'"):
        Alignment("rsa2", "picture", "sequence")
    with pytest.raises(UserError, match="no option 'q'; it has k, metric"):
        Alignment("mutual_knn", "picture", "sequence", {"q": 1})
    with pytest.raises(UserError, match="k must be an integer of at least 1, got 0"):
        Alignment("mutual_knn", "picture", "sequence", {"k": 0})


def test_a_study_knows_its_data():
    dataset, study = tiny_dataset(), tiny_study()
    study.check_dataset(dataset)
    with pytest.raises(UserError, match="'tiny' has"):
        study.check_dataset(tiny_dataset(noise=0.5))
    greedy = dataclasses.replace(
        study, alignments=(Alignment("mutual_knn", "picture", "sequence", {"k": 60}),)
    )
    with pytest.raises(UserError, match="needs at least 61 test samples, but 'tiny' has 60"):
        greedy.check_dataset(dataset)


def test_names():
    assert str(ENCODER) == "image patch_vit of depth 3, seed 1"
    assert isinstance(tiny_study(), Study)
