"""What a synthetic study is made of: cells, layers and their best pairs, the null."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mmkernels
from mmalign.errors import UserError
from mmalign.measure.calibration import calibrated, p_value, threshold
from mmalign.study.synthetic import PRESETS, synthetic_study
from mmalign.study.synthetic.cell import UNTRANSFORMED, MetricRequest
from mmalign.study.synthetic.description import study_from_json
from mmalign.study.synthetic.layers import best_layers, best_scores, prepare, unit_rows
from mmalign.study.synthetic.null import null_maxima

REQUESTS = (
    MetricRequest("mutual_knn", {"k": 5}),
    MetricRequest("unbiased_cka", {"kernel": "linear"}),
    MetricRequest("unbiased_cka", {"kernel": "rbf", "sigma": 1.0}),
    MetricRequest("svcca", {"components": 3}),
)


def layers_of(seed: int, count: int = 3, n: int = 80) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [unit_rows(generator.normal(size=(n, 6)).astype(np.float32)) for _ in range(count)]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_survives_json(preset):
    study = synthetic_study(preset)
    assert study_from_json(json.loads(json.dumps(study.describe()))) == study


def test_the_published_grid():
    study = synthetic_study("paper")
    assert len(list(study.units())) == 9 * 10
    cells = study.training_cells()
    # Each transform depth has a split of its own, and so its own encoders of view 1.
    assert len(cells) == 2 * 9 * 10
    assert sum(len(cell.depths) for cell in cells) == 1800
    assert {(cell.view, cell.epochs) for cell in cells} == {(1, 50), (2, 300)}
    tuned = {(c.redundancy, c.view): (c.learning_rate, c.weight_decay) for c in cells}
    assert tuned[5, 2] == (0.01, 1e-4)
    assert tuned[8, 1] == (0.001, 1e-4)
    assert (study.aligned, study.permutations) == (512, 0)


def test_with_paired_splits_view_1_is_trained_once_for_all_transforms():
    study = synthetic_study("corrected")
    assert len(study.seeds) == 10
    first = [cell for cell in study.training_cells() if cell.view == 1]
    assert {cell.transform_depth for cell in first} == {UNTRANSFORMED}
    levels = sum(len(grid.uniqueness) for grid in study.grids)
    assert len(first) == levels * len(study.seeds)
    transforms = {unit.measurement.settings.transforms_seed for unit in study.units()}
    assert transforms == set(study.seeds)


def test_no_two_networks_share_weights_and_depths_share_batches():
    cells = synthetic_study("quick", seeds=(0, 1)).training_cells()
    by_cell = [cell.networks(0) for cell in cells]
    same_data = {}
    for cell, networks in zip(cells, by_cell, strict=True):
        assert len({network.order for network in networks}) == 1
        # Encoders that differ in the task alone are compared in pairs: equal streams.
        key = (cell.seed, cell.view, cell.transform_depth)
        assert same_data.setdefault(key, networks[0].order) == networks[0].order
    assert len(set(same_data.values())) == len(same_data)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"uniqueness": (9,)}, "uniqueness must be between 0 and 8, got 9"),
        ({"uniqueness": ()}, "has no uniqueness"),
        ({"transform_depths": ()}, "has no transform_depths"),
        ({"transform_depths": (1, 11)}, r"transform_depths must be a whole number in 0 \.\. 10"),
        ({"depths": (0, 1)}, "depth must be between 1 and 64; it is 0"),
        ({"seeds": ()}, "has no seeds"),
        ({"depths": (1, 1)}, "depths names a number twice: 1, 1"),
        ({"depths": (2, 3)}, "of depth 1 are to be compared, but depths has only 2, 3"),
        ({"epochs": (0, 5)}, "epochs must be at least 1, got 0"),
        ({"tuned": {}, "uniqueness": (1,)}, None),
        ({"tuned": {(8, 1): None}, "uniqueness": (0,)}, "tuned lacks a view at redundancy 8"),
    ],
)
def test_what_is_no_study_says_so(options, sentence):
    if sentence is None:
        assert synthetic_study("quick", **options).tuned
        return
    with pytest.raises(UserError, match=sentence):
        synthetic_study("quick", **options)


def test_there_is_no_other_preset():
    with pytest.raises(UserError, match="choose one of quick, paper, corrected"):
        synthetic_study("slow")


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.key)
def test_scores_are_the_metric_of_every_pair(request_):
    one, other = prepare(request_, layers_of(0, 2)), prepare(request_, layers_of(1, 3))
    wanted = [
        [mmkernels.measure(request_.name, x, y, **request_.options) for y in other.rows]
        for x in one.rows
    ]
    np.testing.assert_allclose(one.scores(other), np.array(wanted, float), atol=1e-9)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.key)
def test_permuted_layers_are_the_layers_of_permuted_samples(request_):
    rows, other = layers_of(0, 2), prepare(request_, layers_of(1, 2))
    order = np.random.default_rng(2).permutation(80)
    found = prepare(request_, rows).permuted(order).scores(other)
    again = prepare(request_, [own[order] for own in rows]).scores(other)
    np.testing.assert_allclose(found, again, atol=1e-9)


def test_a_layer_with_a_zero_row_is_left_out_and_a_constant_one_has_no_cka():
    rows = layers_of(0, 3)
    dead = rows[1].copy()
    dead[7] = 0
    assert unit_rows(dead) is None
    constant = np.ones_like(rows[2])
    request = REQUESTS[1]
    found = prepare(request, [rows[0], None, constant]).scores(prepare(request, rows))
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1:]).all()


def test_the_best_pair_of_two_encoders():
    scores = np.random.default_rng(0).normal(size=(1 + 3, 2 + 4))
    scores[0, :2] = np.nan
    scores[2, 3] = np.nan
    best, layers = (f(scores, (1, 3), (2, 4)) for f in (best_scores, best_layers))
    assert np.isnan(best[0, 0])
    assert layers[0, 0].tolist() == [0, 0]
    for i, rows in enumerate((slice(0, 1), slice(1, 4))):
        for j, columns in enumerate((slice(0, 2), slice(2, 6))):
            block = scores[rows, columns]
            if (i, j) != (0, 0):
                assert best[i, j] == np.nanmax(block)
                layer_1, layer_2 = layers[i, j] - 1
                assert block[layer_1, layer_2] == best[i, j]


def test_the_null_takes_the_maximum_after_permuting():
    one, other = (prepare(REQUESTS[0], layers_of(seed, 3)) for seed in (0, 1))
    null = null_maxima(one, other, (3,), (1, 2), permutations=20, seed=4)
    assert null.shape == (20, 1, 2)
    assert (null == null_maxima(one, other, (3,), (1, 2), permutations=20, seed=4)).all()
    first = null_maxima(one, other, (3,), (1, 1, 1), permutations=20, seed=4)
    # The encoder of two layers is best where the better of its two is.
    assert (null[:, 0, 1] == first[:, 0, 1:].max(axis=1)).all()
    # Unrelated representations do not stand out of their own null.
    score = best_scores(one.scores(other), (3,), (1, 2))
    assert (p_value(score, null) > 0.04).all()


def test_without_a_layer_there_is_no_null():
    none, other = prepare(REQUESTS[0], [None, None]), prepare(REQUESTS[0], layers_of(0, 1))
    null = null_maxima(none, other, (2,), (1,), permutations=3, seed=0)
    assert null.shape == (3, 1, 1)
    assert np.isnan(null).all()


def test_the_threshold_is_an_element_of_the_pooled_null():
    null = np.arange(200.0)[:, None]
    score = np.array([500.0])
    assert threshold(score, null) == [190]  # element 191 of 201
    assert p_value(score, null) == [1 / 201]
    assert p_value(np.array([195.0]), null) == [6 / 201]
    assert np.isnan(p_value(np.array([np.nan]), null)).all()
    null = null / 1000
    found = calibrated(np.array([0.6]), null)
    np.testing.assert_allclose(found, (0.6 - 0.19) / (1 - 0.19))
    assert calibrated(np.array([0.1]), null) == [0]
