"""`check` waits for the device and says what the CPU says."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels

VALUES = np.random.default_rng(0).normal(size=(20, 6))


def host_says(values, metric):
    """The sentence of the CPU for the same values."""
    with pytest.raises(ValueError) as caught:
        _host(values, metric)
    return str(caught.value)


def _host(values, metric):
    if metric == "cosine":
        mmkernels.cka(values, values, kernel="cosine")
    else:
        mmkernels.knn(values, 3, metric=metric)


def device_says(*arrays, **options):
    with pytest.raises(ValueError) as caught:
        mmkernels.cuda.check(*arrays, **options)
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(device, dtype, value):
    for row in (0, 7, 19):
        values = VALUES.astype(dtype)
        values[row, 3] = values[-1, 0] = value
        for metric in ("l2", "cosine"):
            assert device_says(device.array(values), metric=metric) == host_says(values, metric)


def test_a_zero_row_matters_to_a_cosine(device):
    values = VALUES.copy()
    values[[5, 11]] = 0
    x = device.array(values)
    said = device_says(x, metric="cosine")
    assert said == host_says(values, "cosine")
    assert "row 5" in said
    assert device_says(x, kernel="cosine") == said
    mmkernels.cuda.check(x)
    mmkernels.cuda.check(x, metric="l2", kernel="rbf")


def test_overflow(device):
    values = VALUES.copy()
    values[3] = 1e160
    x = device.array(values)
    assert device_says(x) == host_says(values, "l2")
    mmkernels.cuda.check(x, metric="cosine")


def test_both_are_looked_at_and_named(device):
    bad = VALUES.copy()
    bad[2, 2] = np.nan
    x, y = device.array(VALUES), device.array(bad)
    assert device_says(x, y).startswith("y has NaN or infinity in row 2 (shape (20, 6))")
    assert device_says(x, x, y).startswith("arrays[2] has NaN")
    mmkernels.cuda.check(x, x)
    mmkernels.cuda.check()


@pytest.mark.parametrize("type_name", ["bfloat16", "int8", "uint16", "bool"])
def test_types(device, type_name):
    values = np.ones((9, 40), np.float32)
    values[4] = 0
    x = device.array(values, type_name)
    assert "zero row (row 4; shape (9, 40))" in device_says(x, metric="cosine")


def test_layouts(device):
    values = np.asfortranarray(VALUES)
    values[6, 5] = np.nan
    assert "row 6" in device_says(device.array(values))
    if not device.real:
        assert "row 13" in device_says(device.array(values[::-1, ::-1]))


def test_no_rows(device):
    mmkernels.cuda.check(device.array(VALUES[:0]))


def test_options(device):
    with pytest.raises(ValueError, match="metric must be one of"):
        mmkernels.cuda.check(device.array(VALUES), metric="cos")
    with pytest.raises(ValueError, match="kernel must be one of"):
        mmkernels.cuda.check(device.array(VALUES), kernel="gauss")
    with pytest.raises(ValueError, match="x is not in CUDA memory"):
        mmkernels.cuda.check(VALUES)
