"""The search for the learning rate and weight decay of every view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmalign.errors import UserError
from mmalign.study import CellStore, tuning
from mmalign.study.dataset_file import read_view
from mmalign.study.encoder_result import train_encoder
from mmalign.study.hyperparameters import Hyperparameters, SearchSpace
from mmalign.study.tuning import tune, with_hyperparameters
from mmalign.training import TrainingDiverged
from mmalign.training.view import view_data

from .tiny_study import tiny_dataset, tiny_study

SPACE = SearchSpace((1e-5, 3e-3), (0.0, 0.1))
CPU = torch.device("cpu")


class Trained(list):
    """The cells trained so far, in order; at ``stop_at`` of them comes a Ctrl-C."""

    stop_at = None


@pytest.fixture
def trained(monkeypatch):
    """Training in this process."""
    done = Trained()

    class InThisProcess:
        def __init__(self, directory, dataset_path, device, count):
            self.store, self.path = CellStore(directory), dataset_path

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    class Scheduler:
        def __init__(self, pool, cells, estimates, progress, log):
            assert set(cells) <= set(estimates)
            self.pool, self.cells = pool, cells

        def run(self):
            for cell in self.cells:
                if len(done) == done.stop_at:
                    raise KeyboardInterrupt
                done.append(cell)
                try:
                    found = train_encoder(cell, read_view(self.pool.path, cell.view), CPU)
                except TrainingDiverged:
                    continue
                self.pool.store.write(cell.hash, *found)

    monkeypatch.setattr(tuning, "WorkerPool", InThisProcess)
    monkeypatch.setattr(tuning, "Scheduler", Scheduler)
    return done


def scores_by_hand(study, view):
    data = view_data(tiny_dataset(), view)
    scores = {}
    for chosen in SPACE.all():
        cells = with_hyperparameters(study, {"picture": chosen, "sequence": chosen}).of_view(view)
        metas = [train_encoder(cell, data, CPU)[0] for cell in cells]
        scores[chosen] = np.mean([meta["accuracy"]["valid"] for meta in metas])
    return scores


def test_the_best_mean_over_depths_is_found(trained, quiet, tmp_path):
    study = tiny_study(epochs=2)
    two_seeds = replace(
        study,
        encoder_cells=(*study.encoder_cells, *(replace(c, seed=9) for c in study.encoder_cells)),
    )
    found = tune(two_seeds, tiny_dataset(), tmp_path, SPACE, console=quiet)
    assert {cell.seed for cell in trained} == {1}
    assert len(trained) == 2 * 2 * 4
    for view, chosen in found.items():
        scores = scores_by_hand(study, view)
        assert scores[chosen] == max(scores.values())
        assert len(set(scores.values())) > 1
        said = f"{view}: {chosen}, validation accuracy {scores[chosen]:.4f}"
        assert said in quiet.file.getvalue()
    assert list((tmp_path / "cells").iterdir()) == []
    tuned = with_hyperparameters(study, found)
    assert {cell.learning_rate for cell in tuned.of_view("picture")} == {
        found["picture"].learning_rate
    }


def test_a_search_that_was_stopped_goes_on_to_the_same_answer(trained, quiet, tmp_path):
    study = tiny_study(epochs=1)
    found = tune(study, tiny_dataset(), tmp_path / "whole", SPACE, console=quiet)
    whole, trained[:] = list(trained), []
    # In the middle of the third of eight trials, of two depths each.
    trained.stop_at = 5
    with pytest.raises(KeyboardInterrupt, match="Finished cells are kept"):
        tune(study, tiny_dataset(), tmp_path / "halves", SPACE, console=quiet)
    assert len(list((tmp_path / "halves" / "cells").iterdir())) == 1
    trained.stop_at = None
    for _ in range(2):
        assert tune(study, tiny_dataset(), tmp_path / "halves", SPACE, console=quiet) == found
        assert trained == whole


def test_other_epochs_are_another_search(trained, quiet, tmp_path):
    for epochs in (1, 2):
        tune(tiny_study(epochs=epochs, depths=(1,)), tiny_dataset(), tmp_path, SPACE, console=quiet)
    assert len(trained) == len(set(trained)) == 2 * 2 * 4


def test_an_encoder_that_diverges_counts_as_zero(trained, quiet, tmp_path):
    space = SearchSpace((1e30, 1e-3), (0.0,))
    found = tune(tiny_study(depths=(1,)), tiny_dataset(), tmp_path, space, console=quiet)
    assert found["picture"] == Hyperparameters(1e-3, 0.0)


def test_workers_train_one_trial_after_the_other(quiet, tmp_path):
    """With real worker processes, which a second trial finds waiting."""
    space = SearchSpace((1e-3,), (0.0, 0.1))
    study = tiny_study(epochs=1)
    found = tune(study, tiny_dataset(), tmp_path, space, workers=1, console=quiet)
    assert set(found) == {"picture", "sequence"}
    assert "8 encoders to train on 1 worker: about " in quiet.file.getvalue()
    assert not (tmp_path / "dataset.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"workers": 0}, "workers must be at least 1"), ({"device": "tpu"}, "device must be auto")],
)
def test_wrong_requests(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        tune(tiny_study(), tiny_dataset(), tmp_path, SPACE, **options)


def test_two_searches_do_not_share_a_directory(quiet, tmp_path):
    store = CellStore(tmp_path)
    store.prepare()
    with store.claim("search"), pytest.raises(UserError, match="Another run is searching in"):
        tune(tiny_study(), tiny_dataset(), tmp_path, SPACE, console=quiet)
