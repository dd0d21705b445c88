"""cmd: the cosine of two Gram matrices, of features as given."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmkernels
from mmkernels import reference

from . import datasets
from .test_errors import refuse
from .test_invariances import pairs, rotation
from .test_published_numbers import recipe

# (A with B, A with C)
PUBLISHED = {False: (0.707154, 0.046967), True: (0.706853, 0.046594)}


@pytest.mark.parametrize("centered", [False, True])
def test_published(centered):
    a, b, c = recipe()
    for other, wanted in zip((b, c), PUBLISHED[centered], strict=True):
        for functions in (mmkernels, reference):
            assert round(float(functions.cmd(a, other, centered=centered)), 6) == wanted


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("d", [1, 3, 33, 300])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 31, 32, 33, 129])
def test_sizes(n, d, centered):
    x, y = datasets.related(n, d, 40)
    for offset in (0, 0.5, 1e4):
        a, b = x + np.float32(offset), y - np.float32(3 * offset)
        found = mmkernels.cmd(a, b, centered=centered)
        assert found == pytest.approx(reference.cmd(a, b, centered=centered), abs=1e-6)


def test_it_is_the_formula():
    x, y = datasets.related(50, 6, 9, dtype=np.float64)
    norm = np.linalg.norm
    wanted = norm(x.T @ y) ** 2 / (norm(x.T @ x) * norm(y.T @ y))
    assert mmkernels.cmd(x, y) == pytest.approx(wanted, abs=1e-7)
    assert mmkernels.measure("cmd", x, y) == mmkernels.cmd(x, y)


def test_centred_it_is_the_biased_linear_cka():
    x, y = datasets.related(50, 6, 90)
    wanted = mmkernels.cka(x, y, unbiased=False)
    assert mmkernels.cmd(x, y, centered=True) == wanted


def test_it_is_a_similarity_and_no_distance():
    x = datasets.gaussian(50, 6)
    assert mmkernels.cmd(x, x) == pytest.approx(1, abs=1e-12)
    assert mmkernels.cmd(x, x.copy()) == pytest.approx(1, abs=1e-7)
    assert mmkernels.cmd(x, x + 1e-3 * datasets.gaussian(50, 6, seed=1)) > 0.99
    # Orthogonal features: the least there is.
    a, b = np.eye(8)[:, :3], np.eye(8)[:, 3:]
    assert mmkernels.cmd(a, b) == pytest.approx(0, abs=1e-7)


def test_a_common_offset_is_what_uncentred_features_share():
    x, y = datasets.gaussian(200, 6), datasets.gaussian(200, 9, seed=1)
    assert mmkernels.cmd(x, y) < 0.1
    assert mmkernels.cmd(x + 10, y + 10) > 0.99
    assert mmkernels.cmd(x + 10, y + 10, centered=True) < 0.1


def test_products_of_samples_are_those_of_the_transposed_arrays():
    """The form of d x d matrices, which needs equal widths; no option, two letters."""
    x, y = datasets.related(60, 12, 12, dtype=np.float64)
    norm = np.linalg.norm
    for a, b in ((x, y), tuple(z - z.mean(axis=0) for z in (x, y))):
        c, d = a.T @ a, b.T @ b
        wanted = np.sum(c * d) / (norm(c) * norm(d))
        assert mmkernels.cmd(a.T, b.T) == pytest.approx(wanted, abs=1e-7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.uint8])
def test_types_and_views(dtype):
    x, y = (np.abs(z * 20 + 60).astype(dtype) for z in datasets.related(66, 10, 12))
    for a, b in ((x, y), (x[::2, ::-1], y[::2, 3:])):
        found = mmkernels.cmd(a, b)
        assert isinstance(found, np.float64)
        assert found == pytest.approx(reference.cmd(a, b), abs=1e-7)


def test_bfloat16_tensors():
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z).bfloat16() for z in datasets.related(40, 5, 7))
    found = mmkernels.cmd(x, y)
    assert isinstance(found, torch.Tensor)
    wanted = reference.cmd(x.double().numpy(), y.double().numpy())
    assert float(found) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("name", datasets.AWKWARD)
def test_hostile_values(name):
    scale = {"denormal": 2.0**140, "huge": 2.0**-100}.get(name, 1.0)
    x, y = datasets.AWKWARD[name](129, 17), datasets.AWKWARD[name](129, 20, seed=1)
    wide = (np.asarray(z, np.float64) * scale for z in (x, y))
    assert mmkernels.cmd(x, y) == pytest.approx(reference.cmd(*wide), abs=1e-6)


@pytest.mark.parametrize("scale", [1e-140, 1e-20, 1e20, 1e140])
def test_scale_does_not_matter(scale):
    x, y = datasets.related(60, 12, 9, dtype=np.float64)
    for offset in (0, 30):
        wanted = mmkernels.cmd(x + offset, y)
        assert mmkernels.cmd((x + offset) * scale, y) == pytest.approx(wanted, abs=1e-7)


def test_prepared_representations():
    x, y = datasets.related(60, 12, 9)
    for kernel in ("linear", "cosine"):
        grams = [mmkernels.prepare_gram(z, kernel=kernel) for z in (x, y)]
        norms = [np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y)]
        rows = (x, y) if kernel == "linear" else (x / norms[0], y / norms[1])
        for centered in (False, True):
            wanted = reference.cmd(*rows, centered=centered)
            found = mmkernels.cmd(*grams, centered=centered)
            assert found == pytest.approx(wanted, abs=1e-6)
    wrong = mmkernels.prepare_gram(x, kernel="rbf")
    refuse(ValueError, ["x", "rbf", "'linear'"], mmkernels.cmd, wrong, y)


def test_constant_features_are_a_matrix_like_any_other_unless_centred():
    x, constant = datasets.related(30, 4, 3)[0], np.full((30, 3), 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = mmkernels.cmd(x, constant)
    assert found == pytest.approx(reference.cmd(x, constant), abs=1e-7)
    with pytest.warns(RuntimeWarning, match="y is constant.*CMD"):
        assert np.isnan(mmkernels.cmd(x, constant, centered=True))


def test_zero_features_are_nan():
    x, zero = datasets.gaussian(30, 4), np.zeros((30, 3))
    for a, b, name in ((x, zero, "y"), (zero, x, "x")):
        with pytest.warns(RuntimeWarning, match=f"{name} is zero"):
            assert np.isnan(mmkernels.cmd(a, b))


def test_what_is_refused():
    x, y = datasets.related(20, 4, 3)
    refuse(ValueError, ["x and y", "(20, 4)", "(19, 3)"], mmkernels.cmd, x, y[:19])
    refuse(ValueError, ["x", "(1, 4)"], mmkernels.cmd, x[:1], y[:1])
    y[5, 1] = np.nan
    refuse(ValueError, ["y has NaN or infinity in row 5 "], mmkernels.cmd, x, y)


def test_threads_do_not_change_a_bit():
    x, y = datasets.related(500, 20, 12)
    before = mmkernels.get_num_threads()
    try:
        found = set()
        for threads in (1, 2, 3):
            mmkernels.set_num_threads(threads)
            found.add(float(mmkernels.cmd(x + 1, y)))
    finally:
        mmkernels.set_num_threads(before)
    assert len(found) == 1


@given(pairs(), st.booleans(), st.integers(0, 99))
@settings(max_examples=20)
def test_rotated_scaled_and_reordered_features(pair, centered, seed):
    x, y = pair[0] + 1, pair[1] - 2
    wanted = mmkernels.cmd(x, y, centered=centered)
    assert 0 <= wanted <= 1
    order = datasets.generator(seed).permutation(len(x))
    rotated = x @ rotation(x.shape[1], seed)
    for a, b in ((rotated, y), (x * -1e-20, y * 1e20), (x[order], y[order]), (y, x)):
        assert mmkernels.cmd(a, b, centered=centered) == pytest.approx(wanted, abs=2e-6)
