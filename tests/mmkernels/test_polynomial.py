"""The polynomial kernel: its parameters, its scale, and what it needs no digits for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmkernels
from mmkernels import reference

from . import datasets
from .gram_checks import check_scores
from .test_errors import refuse
from .test_invariances import pairs, rotation

ESTIMATORS = ["gretton", "song", "lange"]


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("offset", [0.0, 1.0, -2.5, 1e3])
def test_parameters_of_the_polynomial(degree, offset):
    x, y = datasets.related(70, 6, 9, dtype=np.float64)
    for gamma in (None, 0.01, 3.0):
        for shift in (0, 100):
            check_scores(
                mmkernels,
                x + shift,
                y - shift,
                kernel="polynomial",
                degree=degree,
                offset=offset,
                gamma=gamma,
                error=2e-6,
            )


def test_the_polynomial_has_the_defaults_of_its_neighbour():
    from sklearn.metrics.pairwise import polynomial_kernel

    x, y = datasets.related(60, 7, 9, dtype=np.float64)
    wanted = reference.cka_from_grams(polynomial_kernel(x), polynomial_kernel(y))
    assert mmkernels.cka(x, y, kernel="polynomial") == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_a_polynomial_without_offset_does_not_depend_on_the_scale(scale):
    x, y = datasets.related(80, 12, 30, dtype=np.float64)
    scores = []
    for factor in (1.0, scale):
        grams = (
            mmkernels.prepare_gram(z * factor, kernel="polynomial", degree=2, offset=0)
            for z in (x, y)
        )
        scores.append(float(mmkernels.cka(*grams)))
    assert scores[1] == pytest.approx(scores[0], abs=1e-7)


def test_a_polynomial_of_tiny_features_is_linear_in_them():
    """Beside the offset, all but the linear term is below 1e-40; float32 has no such values."""
    x, y = datasets.related(80, 12, 30, dtype=np.float64)
    wanted = reference.cka(x, y)
    found = mmkernels.cka(x * 1e-20, y * 1e-25, kernel="polynomial")
    # K_ij = 1 + 3 gamma x_i.x_j: uncentred, but only up to terms of i and j.
    assert found == pytest.approx(wanted, abs=1e-6)


def test_a_polynomial_of_degree_one_is_linear():
    x, y = datasets.related(80, 12, 30)
    grams = [mmkernels.prepare_gram(z, kernel="polynomial", degree=1) for z in (x, y)]
    for estimator in ESTIMATORS:
        wanted = mmkernels.cka(x, y, estimator=estimator)
        assert mmkernels.cka(*grams, estimator=estimator) == pytest.approx(wanted, abs=1e-6)


def test_a_power_that_is_constant_off_the_features():
    """(x y)^2 of signs is 1 everywhere, although the features are not constant."""
    x = datasets.signs(60, d=1)
    gram = mmkernels.prepare_gram(x, kernel="polynomial", degree=2, offset=0)
    with pytest.warns(RuntimeWarning, match="equally alike"):
        assert np.isnan(mmkernels.cka(gram, datasets.gaussian(60, 3), unbiased=False))


class TestErrors:
    def test_parameters_out_of_range(self):
        x = datasets.gaussian(20, 4)

        def prepare(**options):
            mmkernels.prepare_gram(x, kernel="polynomial", **options)

        refuse(ValueError, ["degree", "between 1 and 100", "0."], prepare, degree=0)
        refuse(TypeError, ["degree", "integer"], prepare, degree=2.5)
        for gamma in (0, -1, np.nan, "auto"):
            refuse(ValueError, ["gamma", "positive"], prepare, gamma=gamma)
        refuse(ValueError, ["offset", "finite"], prepare, offset=np.inf)

    @pytest.mark.parametrize(("scale", "degree"), [(1e40, 3), (1e-200, 2)])
    def test_a_polynomial_out_of_range(self, scale, degree):
        x = datasets.gaussian(20, 4).astype(np.float64) * scale
        wanted = ["polynomial", "x", f"degree {degree}", "rescale"]
        prepare = mmkernels.prepare_gram
        refuse(ValueError, wanted, prepare, x, kernel="polynomial", degree=degree)


@given(pairs(), st.integers(1, 5), st.sampled_from([0.0, 0.5, 4.0]), st.integers(0, 99))
@settings(max_examples=15)
def test_polynomials_of_rotated_features(pair, degree, offset, seed):
    def prepared(z):
        return mmkernels.prepare_gram(z, kernel="polynomial", degree=degree, offset=offset)

    x, y = pair
    order = datasets.generator(seed).permutation(len(x))
    for estimator in ESTIMATORS:
        wanted = mmkernels.cka(prepared(x), prepared(y), estimator=estimator)
        rotated = x @ rotation(x.shape[1], seed)
        for a, b in ((rotated, y), (x[order], y[order]), (-x, y)):
            found = mmkernels.cka(prepared(a), prepared(b), estimator=estimator)
            assert found == pytest.approx(wanted, abs=1e-5)
