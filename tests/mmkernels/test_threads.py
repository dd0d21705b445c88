"""The same bits for any number of threads, and good manners towards the caller's threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import mmkernels

from . import datasets
from .processes import output_of


def everything(x, y):
    """Every native result on a pair, as bytes."""
    results = [*mmkernels.knn(x, 10), *mmkernels.knn(x, 10, metric="l2")]
    results += [*mmkernels.knn(x, 5, metric="ip", queries=x[: len(x) // 3] + np.float32(0.1))]
    results += [mmkernels.mutual_knn(x, y), mmkernels.mutual_knn_matrix([x, y, x[:, :5]])]
    for name in ("jaccard_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "rank_similarity"):
        results.append(mmkernels.measure(name, x, y))
    results += [mmkernels.second_order_cosine(x, y), mmkernels.cknna(x, y)]
    results += [mmkernels.cknna(x, y, variant="reference", unbiased=u) for u in (True, False)]
    for kernel, sigma in (("linear", None), ("rbf", "median"), ("rbf", 6.0)):
        options = {"kernel": kernel, "sigma": sigma}
        results.append(mmkernels.centered_gram(x, **options))
        for unbiased in (False, True):
            options["unbiased"] = unbiased
            results += [mmkernels.hsic(x, y, **options), mmkernels.cka(x, y, **options)]
            results.append(mmkernels.cka_matrix([x, y, x[:, :5]], **options))
    return [np.asarray(result).tobytes() for result in results]


@pytest.mark.parametrize(
    ("n", "d", "name"),
    [
        (11, 9, "gaussian"), (129, 33, "duplicated"), (1000, 20, "growing"),
        (1000, 20, "heavy_tailed"), (900, 300, "clustered"), (1000, 768, "gaussian"),
    ],
)  # fmt: skip
def test_bits_do_not_depend_on_the_number_of_threads(n, d, name, set_threads):
    x, y = datasets.AWKWARD[name](n, d), datasets.AWKWARD[name](n, max(2, d - 3), seed=1)
    set_threads(1)
    wanted = everything(x, y)
    for count in (2, 5, 2):
        set_threads(count)
        assert mmkernels.get_num_threads() == count
        assert everything(x, y) == wanted


def test_repeated_runs_agree():
    x, y = datasets.related(700, 50, 40)
    wanted = everything(x, y)
    for _ in range(5):
        assert everything(x, y) == wanted


def test_calls_from_several_python_threads():
    pairs = [datasets.related(200 + 50 * seed, 30, 20, seed) for seed in range(6)]
    wanted = [everything(x, y) for x, y in pairs]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(3):
            found = list(pool.map(lambda pair: everything(*pair), pairs))
            assert found == wanted


def test_one_prepared_object_in_several_python_threads():
    x, y = datasets.related(400, 60, 50)
    wanted = mmkernels.cka(x, y, kernel="rbf")
    for _ in range(20):
        shared = mmkernels.prepare_gram(x, kernel="rbf")
        with ThreadPoolExecutor(4) as pool:
            calls = [pool.submit(mmkernels.cka, shared, y, kernel="rbf") for _ in range(4)]
            assert [call.result() for call in calls] == [wanted] * 4


def test_changing_the_number_of_threads_during_calls(tmp_path):
    code = """
        import threading
        import numpy as np, mmkernels

        x, y = np.random.default_rng(0).standard_normal((2, 400, 60), dtype=np.float32)
        finished = threading.Event()

        def use():
            return mmkernels.mutual_knn(x, y), mmkernels.cka(x, y, kernel="rbf")

        def change():
            while not finished.is_set():
                for count in (1, 4, 2):
                    mmkernels.set_num_threads(count)

        wanted = use()
        changer = threading.Thread(target=change)
        changer.start()
        right = all(use() == wanted for _ in range(100))
        finished.set()
        changer.join()
        print(right)
    """
    assert output_of(code, directory=tmp_path) == "True"


LONG = datasets.gaussian(9000, 512)
CALLS = {
    "knn": lambda: mmkernels.knn(LONG, 10),
    "cka rbf": lambda: mmkernels.cka(LONG, LONG[:, :300], kernel="rbf", sigma=30.0),
    "cka linear": lambda: mmkernels.cka(LONG, LONG[::-1]),
    "median": lambda: mmkernels.prepare_gram(LONG, kernel="rbf"),
}


@pytest.mark.parametrize("name", CALLS)
def test_other_python_threads_run_during_a_call(name, set_threads):
    """A pure Python thread is never held up for longer than the scheduler does it."""
    set_threads(1)
    gaps, finished = [], threading.Event()

    def tick():
        last = time.perf_counter()
        while not finished.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    ticker = threading.Thread(target=tick)
    start = time.perf_counter()
    ticker.start()
    CALLS[name]()
    elapsed = time.perf_counter() - start
    finished.set()
    ticker.join()
    assert elapsed > 0.05, "the call is too short to tell"
    assert max(gaps) < max(0.6 * elapsed, 0.04), (max(gaps), elapsed)
    assert len(gaps) > 5
