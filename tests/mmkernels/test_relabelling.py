"""The null of mutual_knn against relabelling by numpy, and the permutations themselves."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

from . import datasets


def random_lists(n, k, seed=0):
    """Neighbours that nothing but chance decides, the sample itself never among them."""
    draw = np.random.default_rng(seed)
    others = draw.random((n, n - 1)).argsort(axis=1)[:, :k]
    return given(others + (others >= np.arange(n)[:, None]))


def given(indices):
    return mmkernels.Neighbors(indices, np.zeros(indices.shape), "ip")


def relabelled(neighbors, order):
    """As if sample i were sample ``order[i]``; nothing is searched again."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return given(place[neighbors.host_indices[order]])


def check(x, y, k, *, permutations=5, seed=0):
    null = mmkernels.mutual_knn_null(x, y, k=k, permutations=permutations, seed=seed)
    assert (null.shape, null.dtype) == ((permutations,), np.float64)
    n = x.shape[0]
    for number, score in enumerate(null):
        order = mmkernels.relabelling(n, number, seed=seed)
        assert score == mmkernels.mutual_knn(x, relabelled(y, order), k=k), (n, k, number)
    return null


@pytest.mark.parametrize("k", [1, 2, 10, 31, 32, 33, 64])
@pytest.mark.parametrize("n", [2, 3, 31, 33, 128, 1000])
def test_sizes(n, k):
    if k < n:
        check(random_lists(n, k), random_lists(n, k, seed=1), k, seed=k)


def test_lists_of_nearly_all_samples():
    check(random_lists(400, 390), random_lists(400, 390, seed=1), 390)
    null = check(random_lists(60, 59), random_lists(60, 59, seed=1), 59)
    assert (null == 1).all()


def test_the_first_of_longer_lists():
    check(random_lists(90, 20), random_lists(90, 13, seed=1), 7)


def test_indices_that_come_twice():
    x, y = (np.random.default_rng(seed).integers(0, 50, (50, 12)) for seed in range(2))
    check(given(x), given(y), 12)


def test_relabelled_rows_are_searched_in_vain():
    """It is what measuring again on rows in another order would give."""
    x, y = datasets.related(150, 9, 6, dtype=np.float64)
    for metric in ("cosine", "ip", "l2"):
        options = {"k": 8, "metric": metric, "permutations": 4, "seed": 9}
        null = mmkernels.mutual_knn_null(x, y, **options)
        assert null == pytest.approx(reference.mutual_knn_null(x, y, **options), abs=1e-12)
        for number, score in enumerate(null):
            order = mmkernels.relabelling(150, number, seed=9)
            assert score == mmkernels.mutual_knn(x, y[order], k=8, metric=metric)


def test_elements_do_not_depend_on_how_many_there_are():
    x, y = random_lists(300, 10), random_lists(300, 10, seed=1)
    whole = mmkernels.mutual_knn_null(x, y, permutations=90, seed=4)
    assert (mmkernels.mutual_knn_null(x, y, permutations=7, seed=4) == whole[:7]).all()
    assert len(set(whole)) > 20
    assert (mmkernels.mutual_knn_null(x, y, permutations=90, seed=5) != whole).any()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_nothing(threads):
    x, y = random_lists(3000, 9), random_lists(3000, 9, seed=1)
    wanted = mmkernels.mutual_knn_null(x, y, k=9, permutations=30)
    before = mmkernels.get_num_threads()
    mmkernels.set_num_threads(threads)
    try:
        assert (mmkernels.mutual_knn_null(x, y, k=9, permutations=30) == wanted).all()
        assert (mmkernels.relabelling(10**5) == mmkernels.relabelling(10**5)).all()
    finally:
        mmkernels.set_num_threads(before)


@pytest.mark.parametrize("related", [False, True])
def test_the_mean_is_that_of_chance(related):
    """However alike the two are: within four standard errors of k / (n - 1)."""
    x, y = random_lists(500, 10), random_lists(500, 10, seed=1)
    null = mmkernels.mutual_knn_null(x, x if related else y, permutations=2000, seed=2)
    assert abs(null.mean() - 10 / 499) < 4 * null.std() / 2000**0.5
    assert null.std() > 0


def test_neighbors_in_blocks_are_no_less_random():
    """Structure of indices that a poor permutation would keep: the 95th percentile of numpy's."""
    n, k = 110, 10
    blocks = np.arange(n) // (k + 1) * (k + 1)
    own = blocks[:, None] + np.arange(k + 1)
    lists = given(own[own != np.arange(n)[:, None]].reshape(n, k))
    null = mmkernels.mutual_knn_null(lists, lists, permutations=4000)
    draw = np.random.default_rng(0)
    drawn = [
        mmkernels.mutual_knn(lists, relabelled(lists, draw.permutation(n))) for _ in range(4000)
    ]
    assert np.quantile(null, 0.95) == pytest.approx(np.quantile(drawn, 0.95), rel=0.02)
    assert null.std() == pytest.approx(np.std(drawn), rel=0.08)


@pytest.mark.parametrize("n", [1, 2, 31, 64, 65, 1000, 2**15 + 1])
def test_permutations_are_those_of_the_specification(n):
    for number, seed in ((0, 0), (3, 7), (2**63 - 1, 2**63 - 1)):
        wanted = reference.relabelling(n, number, seed=seed)
        assert (mmkernels.relabelling(n, number, seed=seed) == wanted).all()


def test_permutations_are_what_they_were():
    """A null that was written down is found again."""
    assert mmkernels.relabelling(10, 2, seed=7).tolist() == [3, 7, 5, 6, 2, 8, 1, 0, 9, 4]


def test_permutations_are_permutations():
    met = set()
    for n in (1, 2, 3, 31, 64, 65, 5000):
        for number in (0, 1, 2**62):
            for seed in (0, 1, 2**63 - 1):
                order = mmkernels.relabelling(n, number, seed=seed)
                assert (np.sort(order) == np.arange(n)).all()
                met.add((n, tuple(order)))
    assert len(met) > 4 * 9
    places = [mmkernels.relabelling(40, number)[5] for number in range(4000)]
    expected = 4000 / 40
    chi_squared = ((np.bincount(places, minlength=40) - expected) ** 2 / expected).sum()
    assert chi_squared < 39 + 5 * (2 * 39) ** 0.5


def test_zero_rows():
    x, y = datasets.related(120, 14, 18)
    x[[5, 80]], y[[5, 33]] = 0, 0
    kept = np.setdiff1d(np.arange(120), [5, 33, 80])
    with pytest.raises(ValueError, match="row 5"):
        mmkernels.mutual_knn_null(x, y)
    with pytest.warns(RuntimeWarning, match="3 of 120"):
        found = mmkernels.mutual_knn_null(x, y, permutations=9, zero_rows="exclude")
    assert (found == mmkernels.mutual_knn_null(x[kept], y[kept], permutations=9)).all()


def test_results_are_of_the_callers_library():
    torch = pytest.importorskip("torch")
    x, y = datasets.related(80, 9, 7)
    found = mmkernels.mutual_knn_null(torch.from_numpy(x), torch.from_numpy(y), permutations=6)
    assert isinstance(found, torch.Tensor)
    assert (found.dtype, found.shape) == (torch.float64, (6,))
    assert (found.numpy() == mmkernels.mutual_knn_null(x, y, permutations=6)).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"permutations": 0}, "permutations must be between 1 and 1048576; it is 0."),
        ({"permutations": -5}, "permutations must be between 1 and 1048576; it is -5."),
        ({"permutations": 10**30}, "permutations must be between 1 and 1048576; it is 1"),
        ({"seed": -1}, "seed must be between 0 and 9223372036854775807; it is -1."),
        ({"seed": 2**63}, "seed must be between 0 and 9223372036854775807"),
        ({"k": 60}, "k must be between 1 and 59"),
        ({"k": 0}, "k must be between 1 and 59"),
        ({"metric": "l1"}, "metric must be one of"),
    ],
)
def test_what_is_refused(wrong, said):
    x, y = datasets.related(60, 8, 9)
    with pytest.raises(ValueError, match=f"^{said}"):
        mmkernels.mutual_knn_null(x, y, **wrong)


@pytest.mark.parametrize("name", ["permutations", "seed"])
def test_what_is_no_integer(name):
    x, y = datasets.related(60, 8, 9)
    for value in (2.0, True, "3", None):
        with pytest.raises(TypeError, match=f"^{name} must be an integer; it is {value!r}"):
            mmkernels.mutual_knn_null(x, y, **{name: value})


def test_lists_that_do_not_fit_are_refused():
    x, y = datasets.related(60, 8, 9)
    found = mmkernels.knn(x, 10)
    with pytest.raises(ValueError, match=r"k is 11.*k=10"):
        mmkernels.mutual_knn_null(found, y, k=11)
    with pytest.raises(ValueError, match="same number of samples"):
        mmkernels.mutual_knn_null(found, y[:59])
    elsewhere = mmkernels.knn(x, 10, queries=x[:20])
    unusable = found.host_indices.copy()
    unusable[3] = -1
    for bad, rows in ((elsewhere, 20), (given(unusable), 60)):
        for pair, name in (((bad, y[:rows]), "x"), ((y[:rows], bad), "y")):
            with pytest.raises(ValueError, match=rf"^{name} has shape .*without queries"):
                mmkernels.mutual_knn_null(*pair)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0,), "n must be between 1 and 2147483647; it is 0."),
        ((2**31,), "n must be between 1 and 2147483647"),
        ((5, -1), "number must be between 0 and"),
    ],
)
def test_what_permutation_is_refused(arguments, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        mmkernels.relabelling(*arguments)
    with pytest.raises(ValueError, match=r"^seed must be between 0 and"):
        mmkernels.relabelling(5, seed=2**63)
