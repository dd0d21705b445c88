"""The search for learning rates, and that it goes on where it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmalign.errors import UserError
from mmalign.study.hyperparameters import Hyperparameters
from mmalign.study.synthetic import tuning
from mmalign.study.synthetic.tuning import SPACE, tune

from .tiny_synthetic import tiny_synthetic


@pytest.fixture(scope="module")
def study():
    study = tiny_synthetic(seeds=(0,))
    return replace(study, grids=(replace(study.grids[0], uniqueness=(0,)),))


@pytest.fixture(scope="module")
def searched(study, tmp_path_factory):
    directory = tmp_path_factory.mktemp("tuning")
    said = []
    return directory, tune(study, directory, trials=3, say=said.append), said


def test_a_search_finds_a_rate_for_every_view(searched):
    _, found, said = searched
    assert set(found) == {(8, 1), (8, 2)}
    for chosen in found.values():
        assert chosen in SPACE.all()
    assert [line.split(":")[0] for line in said] == ["redundancy 8, view 1", "redundancy 8, view 2"]


def test_the_best_is_the_one_that_validates_best(study, searched, tmp_path):
    directory, found, _ = searched
    store = tuning.CellStore(directory)
    scores = {}
    for chosen in SPACE.all():
        cells = tuning._cells(study, 8, 2, chosen)
        if all(store.has(cell.hash) for cell in cells):
            scores[chosen] = tuning._score(cells, store, "cpu")
    assert 1 <= len(scores) <= 3
    assert scores[found[8, 2]] == max(scores.values())


def test_a_search_that_was_stopped_goes_on_to_the_same_answer(
    study, searched, tmp_path, monkeypatch
):
    _, found, _ = searched
    calls = []
    original = tuning.train_cells

    def stopping(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(tuning, "train_cells", stopping)
    with pytest.raises(KeyboardInterrupt):
        tune(study, tmp_path, trials=3)
    assert tune(study, tmp_path, trials=3) == found
    before = len(calls)
    assert tune(study, tmp_path, trials=3) == found
    assert len(calls) == before


def test_seven_cells_decide_as_published(study):
    cells = tuning._cells(study, 8, 2, Hyperparameters(0.01, 0.0))
    pairs = {(cell.transform_depth, depth) for cell in cells for depth in cell.depths}
    assert pairs == {(1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4)}


def test_no_trials_are_refused(study, tmp_path):
    with pytest.raises(UserError, match="trials must be at least 1, got 0"):
        tune(study, tmp_path, trials=0)
