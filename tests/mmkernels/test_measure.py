"""Metrics by name are the functions of that name."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels

from . import datasets


def test_names():
    names = mmkernels.measures()
    assert {"mutual_knn", "cka", "unbiased_cka"} <= set(names)
    x, y = datasets.related(60, 9, 7)
    for name in names:
        assert mmkernels.measure(name, x, y).shape == ()


def test_cka_is_the_biased_one_and_says_so_in_its_name():
    x, y = datasets.related(60, 9, 7)
    biased, unbiased = mmkernels.cka(x, y, unbiased=False), mmkernels.cka(x, y)
    assert biased != unbiased
    assert mmkernels.measure("cka", x, y) == biased
    assert mmkernels.measure("unbiased_cka", x, y) == unbiased


def test_options_are_passed_on():
    x, y = datasets.related(60, 9, 7)
    found = mmkernels.measure("mutual_knn", x, y, k=3, metric="l2")
    assert found == mmkernels.mutual_knn(x, y, k=3, metric="l2") != mmkernels.mutual_knn(x, y)
    found = mmkernels.measure("unbiased_cka", x, y, kernel="rbf", sigma=2)
    assert found == mmkernels.cka(x, y, kernel="rbf", sigma=2) != mmkernels.cka(x, y)


def test_unknown_names_and_options():
    x, y = datasets.related(60, 9, 7)
    with pytest.raises(ValueError, match=r"no measure 'similarity'.*mutual_knn"):
        mmkernels.measure("similarity", x, y)
    with pytest.raises(TypeError, match="bandwidth"):
        mmkernels.measure("cka", x, y, bandwidth=3)


@pytest.mark.parametrize("name", mmkernels.measures())
def test_a_matrix_holds_the_measure_of_every_pair(name):
    layers = [*datasets.related(60, 9, 7), *datasets.related(60, 12, 5, seed=1)]
    xs, ys = layers[:3], layers[3:] + layers[:1]
    wanted = [[float(mmkernels.measure(name, x, y)) for y in ys] for x in xs]
    found = mmkernels.measure_matrix(name, xs, ys)
    np.testing.assert_allclose(found, wanted, atol=1e-6, rtol=1e-6)
    square = mmkernels.measure_matrix(name, xs)
    np.testing.assert_allclose(square, mmkernels.measure_matrix(name, xs, xs), atol=1e-6)


def test_a_matrix_takes_options_and_what_was_computed_before():
    x, y = datasets.related(60, 9, 7)
    found = mmkernels.measure_matrix("lcs_knn", [x], [y], k=4, metric="l2")
    assert found == [[mmkernels.lcs_knn(x, y, k=4, metric="l2")]]
    searched = [mmkernels.knn(z, 6, metric="l2") for z in (x, y)]
    assert mmkernels.measure_matrix("lcs_knn", searched[:1], searched[1:], k=4) == found
    found = mmkernels.measure_matrix("unbiased_hsic", [x], [y], kernel="rbf", sigma=3)
    assert found == [[mmkernels.hsic(x, y, kernel="rbf", sigma=3)]]
    rbf = [mmkernels.prepare_gram(z, kernel="rbf", sigma=3) for z in (x, y)]
    assert mmkernels.measure_matrix("unbiased_hsic", rbf[:1], rbf[1:]) == found


@pytest.mark.parametrize("name", ["cycle_knn", "hsic", "cknna", "rsa", "procrustes", "cka"])
def test_errors_of_a_matrix_name_the_representation(name):
    x, y = datasets.related(60, 9, 7)
    broken = y.copy()
    broken[5, 2] = np.nan
    with pytest.raises(ValueError, match=r"ys\[1\] has NaN or infinity in row 5"):
        mmkernels.measure_matrix(name, [x], [y, broken])
    with pytest.raises(ValueError, match=r"ys\[0\].*\(60, 9\) and \(59, 7\)"):
        mmkernels.measure_matrix(name, [x], [y[:59]])
    with pytest.raises(ValueError, match="at least one representation"):
        mmkernels.measure_matrix(name, [x], [])


def test_samples_left_out_of_a_matrix_are_those_of_each_pair():
    x, y = datasets.related(60, 9, 7)
    x[3] = 0
    with pytest.warns(RuntimeWarning, match="zero row"):
        found = mmkernels.measure_matrix("jaccard_knn", [x, y], [y], zero_rows="exclude")
    assert found[1, 0] == 1
    with pytest.raises(ValueError, match=r"xs\[0\] has a zero row"):
        mmkernels.measure_matrix("jaccard_knn", [x, y], [y])


@pytest.mark.parametrize("name", ["cka", "unbiased_cka", "hsic", "unbiased_hsic"])
@pytest.mark.parametrize("option", [{"unbiased": False}, {"estimator": "lange"}])
def test_names_that_say_the_estimate_take_no_other(name, option):
    x, y = datasets.related(60, 9, 7)
    (word,) = option
    function = name.removeprefix("unbiased_")
    for call in (
        lambda: mmkernels.measure(name, x, y, **option),
        lambda: mmkernels.measure_matrix(name, [x], [y], **option),
    ):
        with pytest.raises(TypeError, match=rf"'{name}' takes no {word}.*mmkernels.{function}\("):
            call()


def test_samples_left_out_of_a_matrix_of_mutual_neighbours():
    x, y = datasets.related(60, 9, 7)
    assert mmkernels.measure_matrix("mutual_knn", [x], [y], zero_rows="raise") == [
        [mmkernels.mutual_knn(x, y)]
    ]
    x[3] = 0
    with pytest.warns(RuntimeWarning, match="zero row"):
        found = mmkernels.measure_matrix("mutual_knn", [x, y], [y], zero_rows="exclude")
    with pytest.warns(RuntimeWarning, match="zero row"):
        wanted = mmkernels.mutual_knn(x, y, zero_rows="exclude")
    assert found.tolist() == [[wanted], [1]]


@pytest.mark.parametrize("name", ["mutual_knn", "cka", "hsic", "rsa", "lcs_knn"])
def test_a_matrix_of_what_is_made_one_by_one(name):
    layers = datasets.related(60, 9, 7)
    found = mmkernels.measure_matrix(name, (z for z in layers), (z for z in layers))
    assert (found == mmkernels.measure_matrix(name, layers, layers)).all()


def test_chance_levels_are_those_of_the_docstrings():
    draw = datasets.generator(0)
    n, k = 900, 10
    found = [mmkernels.knn(draw.normal(size=(n, 48)), k) for _ in range(4)]
    p = k / (n - 1)
    for name, wanted in {
        "mutual_knn": p,
        "jaccard_knn": p / (2 - p),
        "lcs_knn": k * p,
        "edit_distance_knn": 1 / (n - 1),
        "rank_similarity": p,
        "cycle_knn": 1 - (1 - p) ** k,
    }.items():
        scores = mmkernels.measure_matrix(name, found[:2], found[2:], k=k)
        assert 0.6 * wanted < scores.mean() < 1.4 * wanted, name


@pytest.mark.parametrize("estimator", ["song", "lange"])
def test_estimates_without_diagonals_are_cosines(estimator):
    """Also for few samples, where the unbiased estimate is far from 0."""
    scores = [
        float(mmkernels.cka(*datasets.related(n, 5, 4, seed=s), estimator=estimator))
        for n in (4, 5, 6)
        for s in range(20)
    ]
    assert min(scores) < 0
    assert max(np.abs(scores)) < 1 + 1e-5
