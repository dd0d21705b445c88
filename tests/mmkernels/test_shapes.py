"""Procrustes similarity and distances against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .test_errors import refuse

NAMES = ["procrustes", "procrustes_distance", "angular_shape_distance"]
SHAPES = [
    (2, 1, 1), (2, 3, 33), (3, 1, 3), (4, 3, 1), (5, 33, 33), (31, 3, 33), (32, 33, 1), (33, 33, 3),
    (129, 33, 17), (129, 3, 1), (40, 300, 200), (40, 300, 12), (129, 60, 60),
]  # fmt: skip


def rotation(d, seed=5):
    return np.linalg.qr(datasets.generator(seed).standard_normal((d, d)))[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "d_x", "d_y"), SHAPES)
def test_sizes(n, d_x, d_y, name):
    x, y = datasets.related(n, d_x, d_y, dtype=np.float64)
    for a, b in ((x, y), (y, x)):
        found = getattr(mmkernels, name)(a, b)
        assert found == pytest.approx(getattr(reference, name)(a, b), abs=1e-12)


def test_the_three_are_one_number():
    x, y = datasets.related(129, 33, 17)
    similarity = float(mmkernels.procrustes(x, y))
    assert mmkernels.procrustes_distance(x, y) == pytest.approx(np.sqrt(2 - 2 * similarity))
    assert mmkernels.angular_shape_distance(x, y) == pytest.approx(np.arccos(similarity))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "int64", "uint8"])
def test_types(kind, name):
    x, y = datasets.related(129, 12, 7)
    x, y = ((z * 8 + 60).astype(kind) for z in (x, y))
    wanted = getattr(reference, name)(x.astype(np.float64), y.astype(np.float64))
    assert getattr(mmkernels, name)(x, y) == pytest.approx(wanted, abs=1e-12)
    assert getattr(mmkernels, name)(np.asfortranarray(x), y[::-1].copy()[::-1]) == pytest.approx(
        wanted, abs=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
def test_torch(name):
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z).to(torch.bfloat16) for z in datasets.related(129, 12, 7))
    found = getattr(mmkernels, name)(x, y)
    assert (found.dtype, found.shape) == (torch.float64, ())
    wanted = getattr(reference, name)(x.double().numpy(), y.double().numpy())
    assert float(found) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e-5, 1e20, 1e300])
@pytest.mark.parametrize("offset", [0, 1e4])
@pytest.mark.parametrize("name", NAMES)
def test_scale_and_offset_change_nothing(name, offset, scale):
    x, y = datasets.related(129, 12, 7, dtype=np.float64)
    found = getattr(mmkernels, name)((x + offset) * scale, y - offset)
    assert found == pytest.approx(getattr(mmkernels, name)(x, y), abs=1e-10)


@pytest.mark.parametrize("kind", [key for key in datasets.AWKWARD if key != "all_equal"])
@pytest.mark.parametrize("name", NAMES)
def test_awkward_data(name, kind):
    x, y = datasets.AWKWARD[kind](127, 17), datasets.AWKWARD[kind](127, 200, seed=1)
    scale = {"denormal": 2.0**140, "huge": 2.0**-100}.get(kind, 1.0)
    wanted = getattr(reference, name)(x.astype(float) * scale, y.astype(float) * scale)
    assert getattr(mmkernels, name)(x, y) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-9, 1e-12])
def test_small_distances_keep_their_digits(size):
    """A perturbation orthogonal to the shape and to all its rotations has its own norm left."""
    x = np.zeros((60, 4))
    x[:, :3] = np.linalg.qr(datasets.gaussian(60, 3).astype(float))[0]
    x[:, :3] = np.linalg.qr(x[:, :3] - x[:, :3].mean(axis=0))[0]
    other = datasets.generator(1).standard_normal((60, 1))
    other -= other.mean() + x @ (x.T @ (other - other.mean()))
    y = x.copy()
    y[:, 3:] = size * np.sqrt(3) * other / np.linalg.norm(other)
    x, y = x @ rotation(4), y @ rotation(4, 6)
    assert mmkernels.angular_shape_distance(x, y) == pytest.approx(np.arctan(size), rel=1e-3)
    wanted = 2 * np.sin(np.arctan(size) / 2)
    assert mmkernels.procrustes_distance(x, y) == pytest.approx(wanted, rel=1e-3)
    assert mmkernels.procrustes(x, y) <= 1


@pytest.mark.parametrize(("n", "d"), [(2, 1), (5, 3), (129, 33), (40, 300)])
def test_a_rotated_representation_is_the_same_shape(n, d):
    x = datasets.gaussian(n, d).astype(np.float64)
    y = -7 * (x + 3) @ rotation(d)
    wider = np.hstack([y, np.ones((n, 4))])
    for other in (x, x.copy(), y, wider):
        assert mmkernels.procrustes(x, other) == pytest.approx(1, abs=1e-14)
        assert mmkernels.procrustes_distance(x, other) < 1e-13
        assert mmkernels.angular_shape_distance(x, other) < 1e-13


@pytest.mark.parametrize("spread", [1e6, 1e10, 1e14])
def test_faint_directions_are_rotated_too(spread):
    """One sample far out, or features of very different scales: still the same shape."""
    x = datasets.gaussian(200, 12).astype(np.float64)
    far = x.copy()
    far[3] *= spread
    for shape in (far, x * np.geomspace(1, spread, 12)):
        for other in (3 * shape @ rotation(12), np.hstack([shape[:, ::-1], np.zeros((200, 3))])):
            assert mmkernels.procrustes(shape, other) == pytest.approx(1, abs=1e-14)
            assert mmkernels.procrustes_distance(shape, other) < 1e-12
            assert mmkernels.procrustes_distance(other, shape) < 1e-12


def test_low_rank_shapes_of_any_width():
    draw = datasets.generator(2)
    latent = draw.standard_normal((60, 3))
    x = latent @ draw.standard_normal((3, 200))
    y = latent @ np.linalg.qr(draw.standard_normal((40, 3)))[0].T
    for a, b in ((x, y), (y, x), (x[:, :2], y), (x, x[:, :50])):
        for name in NAMES:
            wanted = getattr(reference, name)(a, b)
            assert getattr(mmkernels, name)(a, b) == pytest.approx(wanted, abs=1e-12)


def test_unrelated_directions_are_as_far_apart_as_can_be():
    basis = np.linalg.qr(datasets.gaussian(50, 4).astype(float))[0]
    basis = np.linalg.qr(basis - basis.mean(axis=0))[0]
    x, y = basis[:, :2], basis[:, 2:]
    assert mmkernels.procrustes(x, y) == pytest.approx(0, abs=1e-14)
    assert mmkernels.procrustes_distance(x, y) == pytest.approx(np.sqrt(2), abs=1e-14)
    assert mmkernels.angular_shape_distance(x, y) == pytest.approx(np.pi / 2, abs=1e-14)


@pytest.mark.parametrize("name", NAMES)
class TestEdges:
    def test_a_constant_side(self, name):
        x, constant = datasets.gaussian(40, 5), np.full((40, 3), 0.1)
        for arguments, word in (((x, constant), "y"), ((constant, x), "x")):
            with pytest.warns(RuntimeWarning, match=f"^{word} is constant") as caught:
                assert np.isnan(getattr(mmkernels, name)(*arguments))
            assert caught[0].filename == __file__

    def test_wrong_input(self, name):
        x, y = datasets.related(20, 6, 4)
        function = getattr(mmkernels, name)
        bad = x.copy()
        bad[7, 2] = np.nan
        refuse(ValueError, ["x has NaN or infinity in row 7 ", "(20, 6)"], function, bad, y)
        refuse(ValueError, ["x and y", "(20, 6)", "(19, 4)"], function, x, y[:19])
        refuse(ValueError, ["2 samples", "(1, 6)"], function, x[:1], y[:1])
        refuse(TypeError, ["complex"], function, x, y.astype(complex))
