"""What holds of every metric on neighbours, for data that hypothesis chooses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmkernels

from . import datasets
from .list_checks import LISTS, SYMMETRIC

METRICS = st.sampled_from(["cosine", "ip", "l2"])
ROUNDING = 1e-10


@st.composite
def triples(draw):
    """Three float64 views, without near ties: two of the same factors and one of its own."""
    n, d_x, d_y = draw(st.integers(8, 70)), draw(st.integers(3, 40)), draw(st.integers(3, 40))
    seed = draw(st.integers(0, 10**6))
    x, y = datasets.related(n, d_x, d_y, seed, dtype=np.float64)
    return x, y, datasets.generator(seed + 1).standard_normal((n, 5))


def rotation(d, seed):
    return np.linalg.qr(datasets.generator(seed).standard_normal((d, d)))[0]


def all_lists(x, y, **options):
    return {name: float(getattr(mmkernels, name)(x, y, **options)) for name in LISTS}


@given(triples(), METRICS, st.integers(1, 7), st.integers(0, 99))
@settings(max_examples=30)
def test_rotated_scaled_and_reordered_features(views, metric, k, seed):
    x, y, _ = views
    options = {"k": k, "metric": metric}
    wanted = all_lists(x, y, **options)
    rotated = x @ rotation(x.shape[1], seed)
    order = datasets.generator(seed).permutation(len(x))
    for a, b in ((rotated, y), (x * 0.003, y * 7e4), (x[order], y[order])):
        # The mean of ranks is summed in the order of the samples, all others in whole numbers.
        assert all_lists(a, b, **options) == pytest.approx(wanted, abs=1e-14)
    swapped = all_lists(y, x, **options)
    for name in SYMMETRIC:
        assert swapped[name] == wanted[name]
        assert wanted[name] >= 0
    itself = all_lists(x, rotated, **options)
    for name in SYMMETRIC:
        assert itself[name] == (k if name == "lcs_knn" else 1)


@given(triples(), METRICS, st.integers(1, 7))
@settings(max_examples=30)
def test_what_bounds_what(views, metric, k):
    x, y, unrelated = views
    options = {"k": k, "metric": metric}
    for a, b in ((x, y), (x, unrelated), (y, unrelated)):
        found = all_lists(a, b, **options)
        mutual = found["mutual_knn"]
        slack = 1e-14  # means of the same counts, divided differently
        assert found["edit_distance_knn"] <= found["lcs_knn"] / k + slack <= mutual + 2 * slack
        assert mutual / (2 - mutual) - slack <= found["jaccard_knn"] <= mutual + slack
        assert found["edit_distance_knn"] >= 0
        assert 0 <= found["rank_similarity"] <= 1
        assert (found["rank_similarity"] == 0) == (mutual == 0) == (found["lcs_knn"] == 0)
        assert 0 <= found["cycle_knn"] <= 1


@given(triples(), METRICS, st.integers(1, 7))
@settings(max_examples=30)
def test_overlaps_obey_a_triangle_inequality(views, metric, k):
    """Shares of a list: m(x, z) >= m(x, y) + m(y, z) - 1. 1 - Jaccard is a distance."""
    for x, y, z in (views, views[1:] + views[:1], views[::-1]):
        for name in ("mutual_knn", "jaccard_knn"):
            a, b, c = (
                float(getattr(mmkernels, name)(*pair, k=k, metric=metric))
                for pair in ((x, y), (y, z), (x, z))
            )
            assert c >= a + b - 1 - 1e-14
        lengths = [
            float(mmkernels.edit_distance_knn(*pair, k=k, metric=metric))
            for pair in ((x, y), (y, z), (x, z))
        ]
        assert lengths[2] >= lengths[0] + lengths[1] - 1 - 1e-14


@given(triples(), st.integers(1, 7))
@settings(max_examples=30)
def test_cycles_of_all_samples_where_neighbors_are_mutual(views, k):
    """A sample that shares a mutual neighbour with itself closes a cycle."""
    x, y, _ = views
    in_x, in_y = (mmkernels.knn(z, k).indices for z in (x, y))
    closed = [any(i in in_x[j] for j in set(in_x[i]) & set(in_y[i])) for i in range(len(x))]
    assert mmkernels.cycle_knn(x, y, k=k) >= np.mean(closed)


@given(triples(), st.integers(2, 7), st.integers(0, 99))
@settings(max_examples=30)
def test_second_order_cosine(views, k, seed):
    x, y, unrelated = views
    wanted = mmkernels.second_order_cosine(x, y, k=k)
    rotated = x @ rotation(x.shape[1], seed)
    order = datasets.generator(seed).permutation(len(x))
    lengths = datasets.generator(seed).uniform(0.1, 10, (len(x), 1))
    for a, b in ((rotated, y), (x * 0.003, y * 7e4), (x[order], y[order]), (x * lengths, y)):
        assert mmkernels.second_order_cosine(a, b, k=k) == pytest.approx(wanted, abs=ROUNDING)
    assert mmkernels.second_order_cosine(y, x, k=k) == wanted
    assert mmkernels.second_order_cosine(x, rotated, k=k) == pytest.approx(1, abs=ROUNDING)
    assert -1 <= mmkernels.second_order_cosine(x, unrelated, k=k) <= 1


@given(triples(), st.integers(1, 7), st.integers(0, 99))
@settings(max_examples=30)
def test_cknna(views, k, seed):
    x, y, unrelated = views
    wanted = mmkernels.cknna(x, y, k=k)
    rotated = x @ rotation(x.shape[1], seed)
    order = datasets.generator(seed).permutation(len(x))
    for a, b in ((rotated, y), (x * 0.003, y * -7e4), (x[order], y[order])):
        assert mmkernels.cknna(a, b, k=k) == pytest.approx(wanted, abs=ROUNDING)
    assert mmkernels.cknna(y, x, k=k) == wanted
    assert mmkernels.cknna(x, x.copy(), k=k) == 1
    assert mmkernels.cknna(x, rotated, k=k) == pytest.approx(1, abs=ROUNDING)
    assert abs(mmkernels.cknna(x, unrelated, k=k)) <= 1


@given(triples(), st.booleans(), st.integers(0, 99))
@settings(max_examples=30)
def test_cknna_of_the_reference(views, unbiased, seed):
    """With few samples and few neighbours its U-statistics may not be positive."""
    x, y, _ = views
    options = {"k": 6, "variant": "reference", "unbiased": unbiased}
    if not all(positive(z, unbiased) for z in (x, y)):
        with pytest.warns(RuntimeWarning, match="not positive"):
            assert np.isnan(mmkernels.cknna(x, y, **options))
        return
    wanted = mmkernels.cknna(x, y, **options)
    order = datasets.generator(seed).permutation(len(x))
    for a, b in ((x @ rotation(x.shape[1], seed), y), (x * 0.003, -y), (x[order], y[order])):
        assert mmkernels.cknna(a, b, **options) == pytest.approx(wanted, rel=1e-7, abs=1e-9)
    assert mmkernels.cknna(x, x.copy(), **options) == 1


def positive(x, unbiased):
    """Whether the masked kernel of 6 neighbours aligns with itself, by the reference's sums."""
    n, kernel = len(x), x @ x.T
    kept = np.zeros_like(kernel)
    indices = mmkernels.knn(x, 6, metric="ip", queries=None if unbiased else x).indices
    np.put_along_axis(kept, indices, np.take_along_axis(kernel, indices, axis=1), axis=1)
    if not unbiased:
        centre = np.eye(n) - 1 / n
        return np.trace(kept @ centre @ kept @ centre) > 0
    total = np.sum(kept * kept.T) + kept.sum() ** 2 / ((n - 1) * (n - 2))
    return total - 2 * np.sum(kept @ kept) / (n - 2) > 0
