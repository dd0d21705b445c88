"""Values other programs arrive at where their definition is the same, to the digits given."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels

from . import datasets
from .test_published_numbers import recipe

# name: (A with B, A with C) of the recipe.
NUMBERS = {
    # scikit-learn 1.9.1, CCA of 16 components, mean correlation; google/svcca's coefficients too.
    "cca": (0.540973, 0.282961),
    # numpy's ten left singular vectors of standardised features, then scikit-learn's CCA.
    "svcca": (0.704021, 0.165944),
    # netrep (2025), LinearMetric(alpha=1) of features scaled to norm 1.
    "procrustes_distance": (0.725871, 1.279095),
    "angular_shape_distance": (0.742832, 1.387820),
}
# rsatoolbox 0.3.2 (its "euclidean" is squared); spearman and kendall also scipy 1.17.1.
DISSIMILARITIES = {
    ("correlation", "pearson"): (0.677600, 0.004163),
    ("correlation", "cosine"): (0.962675, 0.911576),
    ("correlation", "spearman"): (0.667001, 0.004751),
    ("correlation", "kendall"): (0.479139, 0.003188),
    ("sqeuclidean", "pearson"): (0.698168, 0.000618),
    ("sqeuclidean", "cosine"): (0.965096, 0.912478),
    ("sqeuclidean", "spearman"): (0.686904, 0.001769),
    ("euclidean", "kendall"): (0.496155, 0.001192),
}
# rsatoolbox 0.3.2, cityblock distances of 20 rows of two whole numbers from -2 to 2.
TIED = {
    "pearson": 0.177700287, "cosine": 0.831216932, "spearman": 0.181873743,
    "kendall": 0.139765715, "tau-a": 0.117404623, "rho-a": 0.176185227,
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_subspaces_and_shapes(name):
    a, *others = recipe()
    for other, wanted in zip(others, NUMBERS[name], strict=True):
        assert round(float(mmkernels.measure(name, a, other)), 6) == wanted


@pytest.mark.parametrize(("distance", "compare"), DISSIMILARITIES)
def test_dissimilarities(distance, compare):
    a, *others = recipe()
    for other, wanted in zip(others, DISSIMILARITIES[distance, compare], strict=True):
        found = mmkernels.rsa(a, other, distance=distance, compare=compare)
        assert round(float(found), 6) == wanted


@pytest.mark.parametrize("compare", TIED)
def test_tied_dissimilarities(compare):
    draw = datasets.generator(5)
    x, y = (draw.integers(-2, 3, size=(20, 2)) for _ in range(2))
    found = mmkernels.rsa(x, y, distance="cityblock", compare=compare)
    assert round(float(found), 9) == TIED[compare]


def test_mean_squared_correlation_and_disparity():
    """google/svcca's coefficients squared; scipy.spatial.procrustes of padded features."""
    a, b, c = recipe()
    for other, squares, disparity in ((b, 0.409116, 0.457485384), (c, 0.093100, 0.966891515)):
        found = mmkernels.cca(a, other, summary="mean_squared")
        assert round(float(found), 6) == squares
        found = 1 - mmkernels.procrustes(a, other) ** 2
        assert round(float(found), 9) == disparity


def test_whitened_shapes():
    """Cosine of the angle of netrep's LinearMetric(alpha=0), for sides of equal width."""
    a, b, c = recipe()
    assert round(float(mmkernels.cca(a, b[:, :16])), 6) == 0.482040
    assert round(float(mmkernels.cca(a, c[:, :16])), 6) == 0.220689


def test_angles_between_subspaces():
    """scipy.linalg.subspace_angles is the same set of angles."""
    linalg = pytest.importorskip("scipy.linalg")
    x, y = datasets.related(129, 12, 7, dtype=np.float64)
    angles = linalg.subspace_angles(x - x.mean(axis=0), y - y.mean(axis=0))
    assert mmkernels.cca(x, y) == pytest.approx(np.cos(angles).mean(), abs=1e-12)
