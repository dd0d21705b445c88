"""What leaves the scores of subspaces, shapes and dissimilarities unchanged, and their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmkernels

from . import datasets
from .test_invariances import rotation

SAMPLES = 90  # more than the widths together, so that no correlation is certain
SUBSPACES = ["cca", "svcca", "pwcca", "linear_regression"]
SHAPES = ["procrustes", "procrustes_distance", "angular_shape_distance"]
SYMMETRIC = ["cca", "svcca", *SHAPES, "rsa"]
DISTANCES = {"procrustes_distance": np.sqrt(2), "angular_shape_distance": np.pi / 2}


@st.composite
def pairs(draw):
    d_x, d_y = draw(st.integers(3, 40)), draw(st.integers(3, 40))
    return datasets.related(SAMPLES, d_x, d_y, draw(st.integers(0, 10**6)), dtype=np.float64)


def score(name, x, y, **options):
    return float(getattr(mmkernels, name)(x, y, **options))


@given(pairs(), st.sampled_from([*SUBSPACES, *SHAPES, "rsa"]), st.integers(0, 99))
@settings(max_examples=80)
def test_bounds_and_what_every_score_ignores(pair, name, seed):
    x, y = pair
    wanted = score(name, x, y)
    assert (-1 if name == "rsa" else 0) - 1e-12 <= wanted <= DISTANCES.get(name, 1) + 1e-12
    draw = datasets.generator(seed)
    order, columns = draw.permutation(len(x)), draw.permutation(x.shape[1])
    variants = [(x[order], y[order]), (x[:, columns], y), (x * 0.003, y * 7e4)]
    if name in SYMMETRIC:
        variants.append((y, x))
    if name == "rsa":
        variants.append((x + 30 * draw.standard_normal((len(x), 1)), y))  # a shift of each row
    else:
        shift = draw.standard_normal(y.shape[1]) * 30
        variants += [(x, y + shift), (np.hstack([x, np.ones((len(x), 2))]), y), (-x, y)]
    for a, b in variants:
        assert score(name, a, b) == pytest.approx(wanted, abs=1e-9)
    equal = 0 if name in DISTANCES else 1
    assert score(name, x, x.copy()) == pytest.approx(equal, abs=1e-7)
    assert score(name, 3 * x, x[:, columns] if name != "rsa" else x) == pytest.approx(
        equal, abs=1e-7
    )


@given(pairs(), st.sampled_from([*SHAPES, "cca", "linear_predictivity", "linear_regression"]))
@settings(max_examples=40)
def test_rotations(pair, name):
    x, y = pair
    wanted = score(name, x, y)
    assert score(name, x @ rotation(x.shape[1], 1), y) == pytest.approx(wanted, abs=1e-9)
    assert score(name, x, y @ rotation(y.shape[1], 2)) == pytest.approx(wanted, abs=1e-9)
    for options in ({"variance": 0.9}, {"components": 4, "standardize": False}):
        wanted = score("svcca", x, y, **options)
        found = score("svcca", x @ rotation(x.shape[1], 1), y @ rotation(y.shape[1], 2), **options)
        assert found == pytest.approx(wanted, abs=1e-7)
    wanted = score("rsa", x, y, distance="euclidean")
    found = score("rsa", x @ rotation(x.shape[1], 1), y, distance="euclidean")
    assert found == pytest.approx(wanted, abs=1e-6)


@given(pairs(), st.integers(0, 99), st.sampled_from([1.0, 1e3]))
@settings(max_examples=40)
def test_invertible_linear_maps(pair, seed, condition):
    """x A and y B span what x and y span, A and B of a condition number of up to a million."""
    x, y = pair
    maps = []
    for d in (x.shape[1], y.shape[1]):
        sizes = np.geomspace(1, condition, d)
        maps.append(rotation(d, seed) * sizes @ rotation(d, seed + 1) * sizes[::-1])
    mapped = x @ maps[0], y @ maps[1]
    for options in ({}, {"summary": "mean_squared"}):
        wanted = score("cca", x, y, **options)
        assert score("cca", *mapped, **options) == pytest.approx(wanted, abs=1e-7)
    wanted = score("cca", x, y)
    assert score("svcca", *mapped, variance=1) == pytest.approx(wanted, abs=1e-7)
    assert score("pwcca", x, mapped[1]) == pytest.approx(score("pwcca", x, y), abs=1e-7)
    for name in ("cca", "pwcca", "linear_regression"):
        assert score(name, x, mapped[0]) == pytest.approx(1, abs=1e-7)
        assert score(name, mapped[0], x) == pytest.approx(1, abs=1e-7)
    if x.shape[1] <= 10:
        assert score("svcca", x, mapped[0]) == pytest.approx(1, abs=1e-7)


@given(st.integers(0, 10**6), st.integers(2, 40), st.floats(0.01, 2))
@settings(max_examples=60)
def test_shape_distances_are_metrics(seed, n, noise):
    draw = datasets.generator(seed)
    widths = draw.integers(1, 12, size=3)
    common = draw.standard_normal((n, 12))
    a, b, c = (common[:, :d] + noise * draw.standard_normal((n, d)) for d in widths)
    for name in DISTANCES:
        sides = [score(name, a, b), score(name, b, c), score(name, a, c)]
        assert 2 * max(sides) <= sum(sides) + 1e-12
        assert score(name, b, a) == pytest.approx(sides[0], abs=1e-12)
        assert score(name, a, a @ rotation(widths[0], seed)) < 1e-12
