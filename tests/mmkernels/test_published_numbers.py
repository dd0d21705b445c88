"""Values another implementation of the same definitions arrived at, to six decimals."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

# name: (A with B, A with C)
PUBLISHED = {
    "mutual_knn": (0.332031, 0.031641),
    "cka": (0.706853, 0.046594),
    "unbiased_cka": (0.697823, 0.000052),
    "cka rbf": (0.710620, 0.107594),
    "unbiased_cka rbf": (0.690013, 0.001278),
    "cycle_knn": (0.964844, 0.265625),
    "lcs_knn": (2.164062, 0.289062),
    "edit_distance_knn": (0.058594, 0.003906),
    "cknna reference": (0.353067, 0.027625),
}


def recipe():
    """Two views of 8 latent factors and unrelated noise; rows of length 1; float64."""
    draw = np.random.RandomState(0)  # the generator the numbers were made with
    latent = draw.randn(256, 8)
    a = latent @ draw.randn(8, 16) + 0.5 * draw.randn(256, 16)
    b = np.tanh(latent @ draw.randn(8, 24)) + 0.5 * draw.randn(256, 24)
    c = draw.randn(256, 24)
    return [z / np.linalg.norm(z, axis=1, keepdims=True) for z in (a, b, c)]


def options(name):
    if name.endswith("reference"):
        return {"variant": "reference"}
    return {"kernel": "rbf", "sigma": 1.0} if name.endswith("rbf") else {}


@pytest.mark.parametrize("name", PUBLISHED)
def test_native(name):
    a, b, c = recipe()
    for other, wanted in zip((b, c), PUBLISHED[name], strict=True):
        found = mmkernels.measure(name.split()[0], a, other, **options(name))
        assert round(float(found), 6) == wanted


@pytest.mark.parametrize("name", PUBLISHED)
def test_reference(name):
    a, b, c = recipe()
    for other, wanted in zip((b, c), PUBLISHED[name], strict=True):
        if "knn" in name or "cknna" in name:
            found = getattr(reference, name.split()[0])(a, other, k=10, **options(name))
        else:
            unbiased = name.startswith("unbiased")
            found = reference.cka(a, other, unbiased=unbiased, **options(name))
        assert round(found, 6) == wanted


def test_cknna_differs_from_published_code_by_its_epsilon_alone():
    """platonic-rep has 1e-6 in the denominator: 0.353042 and 0.027622 on the same data."""
    a, b, c = recipe()
    for other, wanted in ((b, 0.353042), (c, 0.027622)):
        denominator = np.sqrt(masked_hsic(a) * masked_hsic(other))
        score = mmkernels.cknna(a, other, variant="reference")
        assert round(float(score * denominator / (denominator + 1e-6)), 6) == wanted


def masked_hsic(x):
    """Unbiased HSIC with itself of the kernel at the 10 nearest: Song et al. 2012, equation 5."""
    kernel, n = x @ x.T, len(x)
    kept = np.zeros_like(kernel)
    indices = mmkernels.knn(x, 10, metric="ip").indices
    np.put_along_axis(kept, indices, np.take_along_axis(kernel, indices, axis=1), axis=1)
    total = np.sum(kept * kept.T) + kept.sum() ** 2 / ((n - 1) * (n - 2))
    return (total - 2 * np.sum(kept @ kept) / (n - 2)) / (n * (n - 3))


def test_biased_cka_of_noise_grows_with_the_width_and_unbiased_does_not():
    """Independent Gaussians, n = 256: the biased score measures the width."""
    draw = np.random.default_rng(0)
    for d, biased in ((16, 0.056), (64, 0.197), (256, 0.497), (1024, 0.801), (4096, 0.941)):
        x, y = draw.standard_normal((2, 256, d))
        assert mmkernels.cka(x, y, unbiased=False) == pytest.approx(biased, abs=0.01)
        assert abs(mmkernels.cka(x, y)) < 0.02


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_wide_representation_agrees_fully_with_itself(scale):
    """An epsilon in the denominator makes this 0.99 at scale 1 and 0 at scale 0.001."""
    x = scale * np.random.default_rng(0).standard_normal((64, 8192))
    x /= np.linalg.norm(x, axis=1, keepdims=True) / scale
    assert mmkernels.cka(x, x.copy()) == pytest.approx(1, abs=1e-6)
    assert mmkernels.cka(x, x) == pytest.approx(1, abs=1e-12)
