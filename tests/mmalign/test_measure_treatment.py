"""Outliers clamped as platonic-rep does, rows made of length 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmalign.errors import UserError
from mmalign.measure import treatment as module
from mmalign.measure.metrics import metric
from mmalign.measure.models import open_model
from mmalign.measure.pairs import measure_pair
from mmalign.measure.treatment import Treatment, clamp_thresholds
from mmkernels.compat.platonic_layers import prepare_features

from .many_models import features, write_model


def stack(n: int = 30, layers: int = 3, width: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, layers, width, generator=generator) ** 3


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("quantile", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_layers_of_one_width_are_clamped_together(monkeypatch, exact, quantile, dtype):
    monkeypatch.setattr(module, "_BLOCK_BYTES", 4 * 21 * 4)
    feats = stack().to(dtype)
    expected = prepare_features(feats, q=quantile, exact=exact)
    layers = [layer if dtype == torch.bfloat16 else layer.numpy() for layer in feats.unbind(1)]
    found = list(Treatment(quantile, exact).apply(layers))
    assert all(layer.dtype == np.float32 for layer in found)
    np.testing.assert_allclose(np.stack(found, 1), expected.numpy(), rtol=1e-6)
    assert not np.allclose(np.stack(found, 1), feats.float().numpy())


@pytest.mark.parametrize("exact", [False, True])
def test_layers_of_several_widths_are_clamped_each(exact):
    feats = [stack(width=width)[:, 0] for width in (5, 9)]
    expected = prepare_features(feats, exact=exact)
    found = Treatment(0.95, exact).apply([layer.numpy() for layer in feats])
    for layer, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(layer, wanted.numpy(), rtol=1e-6)


def test_the_exact_quantile_is_a_value():
    layer = np.random.default_rng(0).normal(size=(50, 11)).astype(np.float32)
    for quantile in (0.001, 0.3, 0.95, 0.9999):
        [found] = clamp_thresholds([layer], quantile, exact=True)
        assert found == np.sort(np.abs(layer), axis=None)[int(quantile * layer.size)]


def test_rows_are_normalised_after_the_clamp():
    [found] = Treatment(0.5, normalize=True).apply([np.array([[3.0, 40.0], [5.0, 0.0]])])
    clamped = np.array([[3.0, 12.0], [5.0, 0.0]])
    np.testing.assert_allclose(found, clamped / np.linalg.norm(clamped, axis=1)[:, None], rtol=1e-6)


def test_without_a_treatment_layers_are_not_touched():
    layer = np.ones((3, 2))
    assert next(Treatment().apply([layer])) is layer
    assert str(Treatment()) == "as they are"


def test_a_treatment_is_named():
    assert str(Treatment(0.95, normalize=True)) == (
        "clamped at the 0.95 quantile of a sample's values, averaged over samples, rows divided by "
        "their length"
    )
    assert "of all values" in str(Treatment(0.9, exact=True))


def test_a_zero_row_has_no_length():
    with pytest.raises(ValueError, match=r"x has a zero row \(row 1; shape \(2, 2\)\)"):
        list(Treatment(normalize=True).apply([np.array([[1.0, 0.0], [0.0, 0.0]])]))


def test_a_layer_that_cannot_be_treated_hides_no_other():
    layers = Treatment(normalize=True).apply([np.zeros((2, 2)), np.eye(2)])
    with pytest.raises(ValueError, match="x has a zero row"):
        next(layers)
    np.testing.assert_array_equal(next(layers), np.eye(2))


@pytest.mark.parametrize("permutations", [0, 2])
def test_a_zero_row_leaves_the_other_layers(tmp_path, permutations):
    layers = features(1, 1, 4)
    layers[0][3] = 0
    write_model(tmp_path / "a.safetensors", layers)
    model = open_model(tmp_path / "a.safetensors")
    found = measure_pair(
        metric("cka"), model, model, Treatment(normalize=True), permutations=permutations
    )
    assert np.isnan(found.scores).any(axis=1).tolist() == [True] * 3
    assert np.isfinite(found.scores[1:, 1:]).all()
    assert "layer_000 has a zero row (row 3" in found.notes[0]


def test_the_file_without_a_quantile_is_named(tmp_path):
    layers = features(1, 1, 4)
    layers[1][3] = np.nan
    write_model(tmp_path / "a.safetensors", layers)
    model = open_model(tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"a\.safetensors: NaN or infinity among the features"):
        measure_pair(metric("cka"), model, model, Treatment(0.9))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("exact", [False, True])
def test_no_quantile_of_what_is_not_finite(bad, exact):
    with pytest.raises(UserError, match=r"leaves no 0\.5 quantile to clamp at"):
        list(Treatment(0.5, exact).apply([np.full((3, 2), bad)]))


@pytest.mark.parametrize("clamp", [0, 1, -0.5, float("nan")])
def test_quantiles_are_between_0_and_1(clamp):
    with pytest.raises(UserError, match="clamp must be between 0 and 1"):
        Treatment(clamp)
