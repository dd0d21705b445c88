"""Jaccard, cycles, subsequences, edit distances and ranks against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets
from .list_checks import LISTS, SYMMETRIC, TOLERANCE, check_lists

METRICS = ["cosine", "ip", "l2"]
SHAPES = [(2, 1), (3, 33), (4, 3), (5, 1), (31, 33), (32, 3), (33, 1), (129, 33)]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("name", LISTS)
def test_sizes(name, n, d, metric):
    x, y = datasets.related(n, d, max(1, d // 2))
    for k in sorted({1, min(10, n - 1), min(32, n - 1)}):
        check_lists(name, x, y, k=k, metric=metric)


@pytest.mark.parametrize("name", LISTS)
def test_the_whole_way_from_features(name):
    x, y = datasets.related(200, 24, 17, dtype=np.float64)
    for metric in METRICS:
        wanted = getattr(reference, name)(x, y, k=9, metric=metric)
        found = getattr(mmkernels, name)(x, y, k=9, metric=metric)
        assert found == pytest.approx(wanted, abs=TOLERANCE[name])


@pytest.mark.parametrize("k", [64, 65, 129])
@pytest.mark.parametrize("name", LISTS)
def test_lists_of_several_words(name, k):
    """64 places are a word of bits."""
    x, y = datasets.related(k + 9, 16, 24)
    check_lists(name, x, y, k=k)


@pytest.mark.parametrize("values", datasets.AWKWARD)
@pytest.mark.parametrize("name", LISTS)
def test_awkward_values(name, values):
    x, y = datasets.AWKWARD[values](100, 13), datasets.gaussian(100, 7, seed=1)
    for metric in METRICS:
        check_lists(name, x, y, k=6, metric=metric)


@pytest.mark.parametrize("scale", [1e-20, 1e20])
@pytest.mark.parametrize("name", LISTS)
def test_scales(name, scale):
    x, y = datasets.related(120, 9, 14, dtype=np.float64)
    for metric in METRICS:
        wanted = getattr(mmkernels, name)(x, y, metric=metric)
        assert getattr(mmkernels, name)(x * scale, y / scale, metric=metric) == wanted


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "uint16", "int64", "bool"])
@pytest.mark.parametrize("name", LISTS)
def test_types_and_layouts(name, dtype):
    x, y = datasets.related(90, 40, 22)
    x, y = (
        (z > 0) if dtype == "bool" else np.abs(40 * z).clip(0, 99).astype(dtype) for z in (x, y)
    )
    check_lists(name, x, y, k=7, metric="l2")
    wide = np.zeros((180, 120), x.dtype)
    wide[::2, ::3] = x
    wanted = getattr(mmkernels, name)(x, y, k=7, metric="l2")
    for view in (wide[::2, ::3], np.asfortranarray(x)):
        assert getattr(mmkernels, name)(view, y, k=7, metric="l2") == wanted


@pytest.mark.parametrize("name", LISTS)
def test_results_are_of_the_callers_library(name):
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(z) for z in datasets.related(80, 9, 7))
    for dtype in (torch.float32, torch.bfloat16):
        found = getattr(mmkernels, name)(x.to(dtype), y, k=5)
        assert isinstance(found, torch.Tensor)
        assert (found.dtype, found.shape) == (torch.float64, ())
        rounded = x.to(dtype).double().numpy()
        assert float(found) == getattr(mmkernels, name)(rounded, y.numpy(), k=5)
    assert type(getattr(mmkernels, name)(x.numpy(), y, k=5)) is np.float64


@pytest.mark.parametrize("name", LISTS)
def test_neighbors_stand_for_their_array(name):
    x, y = datasets.related(200, 24, 9)
    in_x, in_y = mmkernels.knn(x, 14), mmkernels.knn(y, 11)
    measure = getattr(mmkernels, name)
    wanted = measure(x, y)
    for a, b in ((in_x, in_y), (in_x, y), (x, in_y)):
        assert measure(a, b) == wanted
    with pytest.raises(ValueError, match=r"k is 12.*k=11"):
        measure(in_x, in_y, k=12)


@pytest.mark.parametrize("name", LISTS)
def test_zero_rows(name):
    x, y = datasets.related(120, 14, 18)
    x[[5, 80]], y[[5, 33]] = 0, 0
    kept = np.setdiff1d(np.arange(120), [5, 33, 80])
    measure = getattr(mmkernels, name)
    with pytest.raises(ValueError, match=r'x has a zero row \(row 5.*zero_rows="exclude"'):
        measure(x, y)
    with pytest.warns(RuntimeWarning, match="3 of 120") as caught:
        found = measure(x, y, k=8, zero_rows="exclude")
    assert caught[0].filename == __file__
    assert found == measure(x[kept], y[kept], k=8)


def test_cycles_go_through_y_first():
    """Of neighbours given by hand: 0 reaches 1 in y, and 1 reaches 0 in x; no other path closes."""
    in_x = np.array([[2], [0], [1], [0]])
    in_y = np.array([[1], [3], [3], [2]])
    x, y = (mmkernels.Neighbors(z, np.zeros((4, 1)), "ip") for z in (in_x, in_y))
    assert mmkernels.cycle_knn(x, y, k=1) == 0.25
    x, y = datasets.related(100, 8, 9)
    forth, back = mmkernels.cycle_knn(x, y, k=3), mmkernels.cycle_knn(y, x, k=3)
    in_x, in_y = mmkernels.knn(x, 3).indices, mmkernels.knn(y, 3).indices
    own = np.arange(100)[:, None, None]
    assert forth == (in_x[in_y] == own).any(axis=(1, 2)).mean()  # as platonic-rep indexes them
    assert back == (in_y[in_x] == own).any(axis=(1, 2)).mean() != forth


def test_a_cycle_needs_the_neighbors_of_the_samples_themselves():
    x, y = datasets.related(60, 8, 9)
    elsewhere = mmkernels.knn(x, 10, queries=x[:20])
    for pair, name in (((elsewhere, y[:20]), "x"), ((y[:20], elsewhere), "y")):
        with pytest.raises(ValueError, match=rf"{name} has shape \(20, 10\).*without queries"):
            mmkernels.cycle_knn(*pair)


def test_lists_by_hand():
    lists = {"same": [1, 2, 3, 4], "swapped": [2, 1, 3, 4], "back": [4, 3, 2, 1],
             "shifted": [5, 1, 2, 3], "other": [6, 7, 8, 9]}  # fmt: skip
    wanted = {  # of the first: shared of 4, subsequence, edits, sum of 2 / ((1 + |r - s|) (r + s))
        "same": (4, 4, 0, 1 + 1 / 2 + 1 / 3 + 1 / 4),
        "swapped": (4, 3, 2, 2 / 6 + 2 / 6 + 1 / 3 + 1 / 4),
        "back": (4, 1, 4, 2 * (2 / (4 * 5)) + 2 * (2 / (2 * 5))),
        "shifted": (3, 3, 2, 2 / (2 * 3) + 2 / (2 * 5) + 2 / (2 * 7)),
        "other": (0, 0, 4, 0),
    }
    first = mmkernels.Neighbors(np.array([lists["same"]] * 12), np.zeros((12, 4)), "ip")
    for name, (shared, subsequence, edits, ranks) in wanted.items():
        other = mmkernels.Neighbors(np.array([lists[name]] * 12), np.zeros((12, 4)), "ip")
        most = sum(1 / i for i in range(1, shared + 1)) or 1
        assert mmkernels.mutual_knn(first, other, k=4) == shared / 4
        assert mmkernels.jaccard_knn(first, other, k=4) == pytest.approx(shared / (8 - shared))
        assert mmkernels.lcs_knn(first, other, k=4) == subsequence
        assert mmkernels.edit_distance_knn(first, other, k=4) == 1 - edits / 4
        assert mmkernels.rank_similarity(first, other, k=4) == pytest.approx(ranks / most)


@pytest.mark.parametrize("name", LISTS)
def test_k_at_and_beyond_the_number_of_samples_is_refused_where_platonic_rep_scores_1(name):
    x, y = datasets.gaussian(20, 6), datasets.gaussian(20, 6, seed=1)
    for k in (20, 21, 1000):
        with pytest.raises(ValueError, match=rf"k must be between 1 and 19.*it is {k}\."):
            getattr(mmkernels, name)(x, y, k=k)


@pytest.mark.parametrize("name", LISTS)
def test_a_row_of_nan_is_refused_where_platonic_rep_ranks_it_first(name):
    x, y = datasets.gaussian(20, 6), datasets.gaussian(20, 6, seed=1)
    y[7] = np.nan
    with pytest.raises(ValueError, match="y has NaN or infinity in row 7 "):
        getattr(mmkernels, name)(x, y, k=3)


@pytest.mark.parametrize("name", LISTS)
def test_half_precision_is_accepted_where_platonic_rep_raises(name):
    x, y = (z.astype(np.float16) for z in datasets.related(60, 6, 7))
    wanted = getattr(mmkernels, name)(x.astype(np.float64), y.astype(np.float64))
    assert getattr(mmkernels, name)(x, y) == wanted


@pytest.mark.parametrize("name", SYMMETRIC)
def test_a_duplicate_never_stands_for_oneself_as_in_resi(name):
    """Self is left out by its index: four copies of each row still make a perfect score."""
    x = datasets.duplicated(200, 9)
    for metric in METRICS:
        indices = mmkernels.knn(x, 10, metric=metric).indices
        assert not (indices == np.arange(200)[:, None]).any()
        perfect = 10 if name == "lcs_knn" else 1
        assert getattr(mmkernels, name)(x, x.copy(), metric=metric) == perfect


def test_zero_rows_do_not_make_unrelated_data_alike():
    """With ties at 0 resolved by position, peers give 0.35 here; chance is 0.05."""
    x, y = datasets.gaussian(200, 32), datasets.gaussian(200, 32, seed=1)
    x[:60], y[:60] = 0, 0
    for name in ("mutual_knn", "jaccard_knn"):
        with pytest.warns(RuntimeWarning, match="60 of 200"):
            assert getattr(mmkernels, name)(x, y, zero_rows="exclude") < 0.12


def test_similarities_are_not_rounded_as_in_bfloat16():
    """Rounded similarities of rows far from the origin tie; as computed here, none does."""
    x = datasets.gaussian(400, 16).astype(np.float64) + 1.5
    y = x * np.linspace(1, 2, 400)[:, None]  # the same cosines
    assert mmkernels.lcs_knn(x, y) == 10
    assert mmkernels.edit_distance_knn(x, y) == mmkernels.rank_similarity(x, y) == 1
