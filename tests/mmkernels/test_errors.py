"""Wrong input is refused in one sentence: which argument, what was found, what is allowed."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels

from . import datasets

X = datasets.gaussian(20, 6)
Y = datasets.gaussian(20, 4, seed=1)

PAIRED = {
    "mutual_knn": lambda x, y: mmkernels.mutual_knn(x, y, k=3),
    "jaccard_knn": lambda x, y: mmkernels.jaccard_knn(x, y, k=3),
    "cycle_knn": lambda x, y: mmkernels.cycle_knn(x, y, k=3),
    "lcs_knn": lambda x, y: mmkernels.lcs_knn(x, y, k=3),
    "edit_distance_knn": lambda x, y: mmkernels.edit_distance_knn(x, y, k=3),
    "rank_similarity": lambda x, y: mmkernels.rank_similarity(x, y, k=3),
    "second_order_cosine": lambda x, y: mmkernels.second_order_cosine(x, y, k=3),
    "cknna": lambda x, y: mmkernels.cknna(x, y, k=3),
    "hsic": mmkernels.hsic,
    "cka": mmkernels.cka,
    "cka rbf": lambda x, y: mmkernels.cka(x, y, kernel="rbf"),
    "measure": lambda x, y: mmkernels.measure("unbiased_cka", x, y),
}
MATRICES = {
    "mutual_knn_matrix": lambda xs, ys=None: mmkernels.mutual_knn_matrix(xs, ys, k=3),
    "cka_matrix": mmkernels.cka_matrix,
}
SINGLE = {
    "knn": lambda x: mmkernels.knn(x, 3),
    "centered_gram": mmkernels.centered_gram,
    "prepare_gram": lambda x: mmkernels.prepare_gram(x, kernel="rbf"),
}


def refuse(kind, parts, function, *arguments, **options):
    """The call raises `kind` with a one-line message that holds all `parts`."""
    with pytest.raises(kind) as caught:
        function(*arguments, **options)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert "\n" not in message
    assert message.endswith((".", ".'"))


@pytest.mark.parametrize("name", PAIRED)
class TestPairs:
    def test_different_numbers_of_samples(self, name):
        refuse(ValueError, ["x and y", "(20, 6)", "(19, 4)"], PAIRED[name], X, Y[:19])

    def test_not_two_dimensional(self, name):
        refuse(ValueError, ["x must be", "(20,)"], PAIRED[name], X[:, 0], Y)
        refuse(ValueError, ["y must be", "(2, 10, 4)"], PAIRED[name], X, Y.reshape(2, 10, 4))
        refuse(ValueError, ["x must be", "()"], PAIRED[name], np.float32(3), Y)

    def test_no_features(self, name):
        refuse(ValueError, ["y", "(20, 0)"], PAIRED[name], X, Y[:, :0])

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_finite_names_the_first_row(self, name, value):
        for row, column in ((0, 0), (7, 3), (19, 1)):
            y = Y.copy()
            y[row, column] = value
            y[-1, 0] = value
            found = f"y has NaN or infinity in row {row} "
            refuse(ValueError, [found, "(20, 4)"], PAIRED[name], X, y)

    @pytest.mark.parametrize("dtype", ["complex64", "object", "U3", "datetime64[s]"])
    def test_not_real_numbers(self, name, dtype):
        refuse(TypeError, ["x", "float32"], PAIRED[name], np.ones((20, 3)).astype(dtype), Y)

    def test_ragged_and_foreign(self, name):
        refuse(TypeError, ["x"], PAIRED[name], [[1.0, 2.0], [3.0]], Y)
        refuse((TypeError, ValueError), ["y"], PAIRED[name], X, None)


@pytest.mark.parametrize("name", MATRICES)
class TestMatrices:
    def test_the_place_in_the_list_is_named(self, name):
        bad = X.copy()
        bad[2, 2] = np.nan
        refuse(ValueError, ["xs[1]", "row 2"], MATRICES[name], [X, bad])
        refuse(ValueError, ["ys[0]", "row 2"], MATRICES[name], [X, Y], [bad])
        refuse(ValueError, ["xs[0]", "xs[1]", "(20, 6)", "(5, 4)"], MATRICES[name], [X, Y[:5]])
        refuse(ValueError, ["xs[0]", "ys[0]", "(20, 6)", "(5, 4)"], MATRICES[name], [X], [Y[:5]])
        refuse(TypeError, ["xs[1]", "complex"], MATRICES[name], [X, Y.astype(complex)])

    def test_nothing_to_compare(self, name):
        refuse(ValueError, ["xs", "at least one"], MATRICES[name], [])
        refuse(ValueError, ["ys", "at least one"], MATRICES[name], [X], [])


@pytest.mark.parametrize("name", SINGLE)
class TestOneArgument:
    def test_too_few_samples(self, name):
        refuse(ValueError, ["x", "(1, 6)", "2"], SINGLE[name], X[:1])
        refuse(ValueError, ["x", "(0, 6)", "2"], SINGLE[name], X[:0])

    def test_not_finite(self, name):
        bad = X.astype(np.float64)
        bad[4, 5] = -np.inf
        refuse(ValueError, ["x has NaN or infinity in row 4 "], SINGLE[name], bad)
        bad[4] = np.nan
        refuse(ValueError, ["x has NaN or infinity in row 4 "], SINGLE[name], bad)
        bad[4, :5] = 0
        refuse(ValueError, ["x has NaN or infinity in row 4 "], SINGLE[name], bad)

    def test_not_finite_half_precision(self, name):
        refuse(ValueError, ["x", "row 0"], SINGLE[name], np.full((9, 3), np.inf, np.float16))


class TestNumberOfSamples:
    def test_pairs_need_two_and_unbiased_estimates_four(self):
        for function in (mmkernels.hsic, mmkernels.cka):
            for n in (0, 1):
                refuse(ValueError, [f"({n}, 6)"], function, X[:n], Y[:n], unbiased=False)
                refuse(ValueError, [f"({n}, 6)"], function, X[:n], Y[:n])
            for n in (2, 3):
                refuse(ValueError, ["unbiased", "4", f"({n}, 6)"], function, X[:n], Y[:n])
                assert np.isfinite(function(X[:n], Y[:n], unbiased=False))
            assert np.isfinite(function(X[:4], Y[:4]))
        refuse(ValueError, ["unbiased", "4", "(3, 6)"], mmkernels.cka_matrix, [X[:3]])
        refuse(ValueError, ["(1, 6)"], mmkernels.mutual_knn, X[:1], Y[:1], k=1)


class TestK:
    CALLS = (
        lambda k: mmkernels.knn(X, k),
        lambda k: mmkernels.mutual_knn(X, Y, k=k),
        lambda k: mmkernels.mutual_knn_matrix([X, Y], k=k),
        lambda k: mmkernels.second_order_cosine(X, Y, k=k),
        lambda k: mmkernels.cknna(X, Y, k=k),
    )

    @pytest.mark.parametrize("call", CALLS)
    def test_out_of_range(self, call):
        for k in (0, -1, 20, 1000):
            refuse(ValueError, ["k must be between 1 and 19", "(20, 6)", f"{k}."], call, k)
        call(19)
        call(np.int64(1))

    def test_more_rows_than_a_list_can_name(self):
        # No memory behind it: one value, repeated by a stride of zero.
        x = np.broadcast_to(np.float32(1), (2**31 + 1, 1))
        refuse(ValueError, ["at most 2147483647 rows", str(x.shape)], mmkernels.knn, x, 3)

    @pytest.mark.parametrize("call", CALLS)
    def test_not_an_integer(self, call):
        for k in (2.0, "3", None, np.float64(3)):
            refuse(TypeError, ["k must be an integer"], call, k)

    def test_queries_may_ask_for_all_candidates(self):
        assert mmkernels.knn(X, 20, queries=X[:3]).indices.shape == (3, 20)
        refuse(ValueError, ["between 1 and 20", "21."], mmkernels.knn, X, 21, queries=X[:3])

    def test_more_than_was_searched(self):
        refuse(ValueError, ["k is 5", "k=4"], mmkernels.mutual_knn, mmkernels.knn(X, 4), Y, k=5)
        assert mmkernels.mutual_knn(mmkernels.knn(X, 4), Y, k=3) == mmkernels.mutual_knn(X, Y, k=3)


class TestOptions:
    def test_metric(self):
        for call in (
            lambda: mmkernels.knn(X, 2, metric="euclid"),
            lambda: mmkernels.mutual_knn(X, Y, k=2, metric="euclid"),
            lambda: mmkernels.mutual_knn_matrix([X], k=2, metric="euclid"),
            lambda: mmkernels.second_order_cosine(X, Y, k=2, metric="euclid"),
        ):
            refuse(ValueError, ["metric", "'cosine', 'ip', 'l2'", "'euclid'"], call)

    @pytest.mark.parametrize(
        "function",
        [mmkernels.hsic, mmkernels.cka, lambda x, y, **o: mmkernels.cka_matrix([x], [y], **o)],
    )
    def test_kernel_and_sigma(self, function):
        refuse(ValueError, ["kernel", "'linear', 'rbf'", "'poly'"], function, X, Y, kernel="poly")
        for sigma in (0, -1.0, np.nan, np.inf, "mean", [1.0, 2.0]):
            refuse(ValueError, ["sigma", "positive"], function, X, Y, kernel="rbf", sigma=sigma)
        for sigma in (1.0, "median"):
            refuse(ValueError, ["sigma", "linear"], function, X, Y, sigma=sigma)

    def test_median_of_equal_rows_is_no_bandwidth(self):
        x = np.repeat(X[:2], [18, 2], axis=0)
        refuse(ValueError, ["sigma", "median", "x"], mmkernels.cka, x, Y, kernel="rbf")

    def test_zero_rows(self):
        for function in (mmkernels.mutual_knn, mmkernels.second_order_cosine):
            refuse(ValueError, ["zero_rows", "'drop'"], function, X, Y, zero_rows="drop")
        x = X.copy()
        x[11] = 0
        refuse(ValueError, ["x", "row 11", 'zero_rows="exclude"'], mmkernels.knn, x, 3)
        refuse(ValueError, ["xs[1]", "row 11"], mmkernels.mutual_knn_matrix, [X, x], k=3)
        refuse(ValueError, ["queries", "row 11"], mmkernels.knn, X, 3, queries=x)

    def test_queries(self):
        refuse(ValueError, ["queries", "(20, 6)", "(20, 4)"], mmkernels.knn, X, 3, queries=Y)
        bad = X[:5].copy()
        bad[1, 1] = np.nan
        refuse(ValueError, ["queries", "row 1 "], mmkernels.knn, X, 3, queries=bad)

    def test_threads(self):
        for count in (0, -2):
            refuse(ValueError, ["count", "between 1 and"], mmkernels.set_num_threads, count)
        refuse(TypeError, ["count", "integer"], mmkernels.set_num_threads, 1.5)


def test_prepared_objects_of_other_sample_counts():
    refuse(ValueError, ["(20, 6)", "(19, 4)"], mmkernels.cka, mmkernels.prepare_gram(X), Y[:19])
    refuse(ValueError, ["x and y"], mmkernels.mutual_knn, mmkernels.knn(X, 3), Y[:19], k=3)


@pytest.mark.parametrize("scale", [1e154, 1e300])
def test_values_whose_squares_overflow(scale):
    x = X.astype(np.float64) * scale
    for call in (
        lambda: mmkernels.cka(x, Y),
        lambda: mmkernels.cka(x, Y, kernel="rbf"),
        lambda: mmkernels.knn(x, 3, metric="ip"),
        lambda: mmkernels.knn(x, 3, metric="l2"),
        lambda: mmkernels.cknna(x, Y, k=3),
    ):
        refuse(ValueError, ["x", "overflow", "(20, 6)"], call)


def test_what_is_no_array_is_named():
    found = mmkernels.knn(X, 5)
    refuse(TypeError, ["x is of type Neighbors", "array"], mmkernels.rsa, found, Y)
    refuse(TypeError, ["y is of type object", "array"], mmkernels.mutual_knn, X, object())


def test_options_of_another_type():
    refuse(ValueError, ["kernel must be one of"], mmkernels.cka, X, Y, kernel=np.array(["linear"]))
    refuse(ValueError, ["metric must be one of"], mmkernels.knn, X, 3, metric=None)
    refuse(TypeError, ["k must be an integer", "True"], mmkernels.knn, X, True)
    refuse(ValueError, ["sigma must be", "True"], mmkernels.cka, X, Y, kernel="rbf", sigma=True)
    refuse(ValueError, ["tolerance must be", "True"], mmkernels.cca, X, Y, tolerance=True)


def test_more_threads_than_any_machine_has():
    before = mmkernels.get_num_threads()
    for count in (0, 1025, 10**9, 10**30):
        refuse(ValueError, ["count", "1 and 1024", str(count)], mmkernels.set_num_threads, count)
    assert mmkernels.get_num_threads() == before
