"""Metrics by name are the functions of that name."""

from __future__ import annotations

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
