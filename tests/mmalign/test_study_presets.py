"""The ready-made study of digits, and what is said about its duration."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rich.console import Console

from mmalign.data.paired import PairedDataset, paired_dataset
from mmalign.encoders import build_encoder
from mmalign.errors import UserError
from mmalign.progress import spoken
from mmalign.study import av_digits_study
from mmalign.study.estimate import alignment_seconds, makespan, training_seconds
from mmalign.study.progress import StudyProgress
from mmalign.training.determinism import resolve_device
from mmalign.training.view import view_data


@pytest.fixture(scope="module")
def digits() -> PairedDataset:
    random = np.random.default_rng(0)
    views = {
        "image": random.random((300, 28, 28), dtype=np.float32),
        "audio": random.normal(size=(300, 20, 36)).astype(np.float32),
    }
    rows = np.arange(300)
    splits = {"train": rows[:200], "valid": rows[200:240], "test": rows[240:]}
    return paired_dataset("digits", views, np.arange(300) % 10, splits, 10)


def test_quick_has_three_seeds_and_four_depths_of_each_view(digits):
    study = av_digits_study("quick", digits)
    for view, encoder in (("image", "patch_vit"), ("audio", "transformer")):
        cells = study.of_view(view)
        assert len(cells) == len({(cell.depth, cell.seed) for cell in cells}) == 12
        assert len({cell.depth for cell in cells}) == 4
        assert {cell.encoder for cell in cells} == {encoder}
    study.check_dataset(digits)


def test_full_is_the_published_recipe(digits):
    study = av_digits_study("full", digits)
    assert len(study.encoder_cells) == 2 * 5 * 10
    for cell in study.encoder_cells:
        assert (cell.epochs, cell.learning_rate, cell.batch_size, cell.clip) == (100, 1e-3, 64, 8)
        assert cell.weight_decay == {"image": 0.0, "audio": 1e-4}[cell.view]
        shape = digits.views[cell.view].shape[1:]
        encoder = build_encoder(cell.encoder, shape, cell.depth, **cell.options)
        assert encoder.width == {"image": 16, "audio": 36}[cell.view]
    assert [alignment.options for alignment in study.alignments] == [
        {"k": 10, "metric": "cosine"},
        {"kernel": "linear", "sigma": None, "unbiased": True},
        {"kernel": "rbf", "sigma": "median", "unbiased": True},
    ]
    assert sum(len(study.alignment_cells(a)) for a in study.alignments) == 50 * 50 * 3


def test_parts_can_be_replaced(digits):
    study = av_digits_study("quick", digits, seeds=[7], depths=[2, 5], epochs=3)
    assert {(cell.seed, cell.depth, cell.epochs) for cell in study.encoder_cells} == {
        (7, 2, 3),
        (7, 5, 3),
    }


def test_wrong_requests(digits):
    with pytest.raises(UserError, match="no preset 'slow'; choose one of quick, full"):
        av_digits_study("slow", digits)
    silent = dataclasses.replace(digits, views={"image": digits.views["image"]})
    with pytest.raises(UserError, match="needs the views image and audio; 'digits' has image"):
        av_digits_study("quick", silent)


def test_estimates_grow_with_the_work(digits):
    study = av_digits_study("quick", digits, seeds=[0], depths=[1, 3, 6], epochs=10)
    views = {view: view_data(digits, view) for view in ("image", "audio")}
    estimates = training_seconds(study.encoder_cells, views, resolve_device("cpu"))
    assert set(estimates) == set(study.encoder_cells)
    for view in views:
        seconds = [estimates[cell] for cell in study.of_view(view)]
        assert 0 < seconds[0] < seconds[1] < seconds[2]
        # Linear in depth between the two that were timed.
        assert seconds[1] - seconds[0] == pytest.approx((seconds[2] - seconds[0]) * 2 / 5)
    assert alignment_seconds(study, digits) > 0


def test_makespan():
    assert makespan([], 2) == 0
    assert makespan([3, 1, 2, 2], 2) == 4
    assert makespan([5, 1, 1], 3) == 5
    assert makespan([1, 1, 1], 1) == 3


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (40, "40 s"),
        (89.4, "89 s"),
        (150, "3 min"),
        (300, "5 min"),
        (12000, "3 h 20 min"),
    ],
)
def test_durations_are_said_as_people_do(seconds, text):
    assert spoken(seconds) == text


@pytest.mark.parametrize(("seconds", "long"), [(3000, False), (12000, True)])
def test_hours_are_said_with_what_makes_them_fewer(digits, seconds, long):
    cell = av_digits_study("quick", digits).encoder_cells[0]
    progress = StudyProgress({cell: float(seconds)}, 1, 0, 0.0, Console(quiet=True))
    text = progress.expected()
    assert ("fewer depths, seeds or epochs" in text) == long
    assert text.startswith("3 h" if long else "51 min")
