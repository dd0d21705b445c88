"""What is done to a representation before a metric sees it."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmalign.errors import UserError
from mmalign.study import Alignment, CellStore
from mmalign.study.alignment import measure_alignments
from mmalign.study.preparation import prepare_rows

from .test_study_alignment import store, study_of  # noqa: F401 - a fixture

ALL = {"samples": 40, "clamp": 0.9, "unit_rows": True}


def by_hand(x: np.ndarray) -> np.ndarray:
    x = x[:40]
    sizes = np.sort(np.abs(x).ravel())
    x = np.clip(x, -sizes[int(0.9 * sizes.size)], sizes[int(0.9 * sizes.size)])
    return x / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)


def test_samples_then_the_exact_quantile_then_lengths():
    x = np.random.default_rng(0).standard_t(2, size=(64, 7)).astype(np.float32)
    before = x.copy()
    np.testing.assert_allclose(prepare_rows(x, ALL), by_hand(x), rtol=1e-6)
    np.testing.assert_array_equal(x, before)
    clamped = prepare_rows(x, {"clamp": 0.9})
    assert np.isin(np.abs(clamped), np.abs(x)).all()
    assert prepare_rows(x, {}) is x or np.shares_memory(prepare_rows(x, {}), x)
    assert len(prepare_rows(x, {"samples": 100})) == 64


def test_what_was_prepared_is_what_is_measured(store: CellStore):  # noqa: F811
    study = study_of(Alignment("cka", "left", "right", ALL))
    measure_alignments(study, store, lambda cell, seconds: None)
    for cell in study.alignment_cells(study.alignments[0]):
        a, b = (store.read_arrays(side) for side in (cell.encoder_a, cell.encoder_b))
        expected = float(mmkernels.cka(by_hand(a["layer_1"]), by_hand(b["layer_2"])))
        assert store.read_arrays(cell.hash)["scores"][0, 1] == pytest.approx(expected, rel=1e-5)
        assert store.read_meta(cell.hash)["n"] == 40


def test_a_row_without_a_direction_leaves_its_layer_undefined(store: CellStore):  # noqa: F811
    study = study_of(Alignment("cka", "left", "right", ALL))
    cell = study.encoder_cells[0]
    arrays = store.read_arrays(cell.hash)
    arrays["layer_1"][5] = 0
    store.write(cell.hash, {"cell": cell.describe()}, arrays)
    measure_alignments(study, store, lambda cell, seconds: None)
    meta = store.read_meta(study.alignment_cells(study.alignments[0])[0].hash)
    assert meta["score"] is None
    assert meta["undefined_layers_a"] == {"1": "Row 5 is zero and has no direction."}


def test_an_option_that_is_not_asked_for_is_no_part_of_a_cell():
    """Hashes of studies made before these options existed hold."""
    assert Alignment("cka", "left", "right").options == {
        "kernel": "linear",
        "sigma": None,
        "unbiased": True,
    }
    assert set(Alignment("mutual_knn", "left", "right", ALL).options) == {"k", "metric", *ALL}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 3}, "samples must be an integer of at least 4, got 3"),
        ({"samples": True}, "samples must be an integer"),
        ({"samples": 10.0}, "samples must be an integer"),
        ({"clamp": 1.0}, "clamp must be a quantile above 0 and below 1, got 1.0"),
        ({"clamp": float("nan")}, "clamp must be a quantile"),
        ({"clamp": "most"}, "clamp must be a quantile"),
        ({"unit_rows": False}, "unit_rows must be True or left out, got False"),
    ],
)
def test_values_that_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        Alignment("cka", "left", "right", options)
