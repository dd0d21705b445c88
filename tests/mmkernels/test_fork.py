"""fork() leaves the child without the parent's threads; it must not wait for them."""

from __future__ import annotations

import os

import pytest

from .processes import output_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork() on this system")

USE = """
    import os, signal, sys, threading, warnings
    import numpy as np, mmkernels
    warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of fork() with threads
    mmkernels.set_num_threads(3)
    x, y = np.random.default_rng(0).standard_normal((2, 700, 64), dtype=np.float32)

    def use():
        return mmkernels.mutual_knn(x, y), mmkernels.cka(x, y, kernel="rbf")
"""


def test_child_of_a_process_that_has_used_the_threads(tmp_path):
    code = """
    wanted = use()
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        os._exit(0 if use() == wanted and mmkernels.get_num_threads() == 3 else 9)
    assert os.waitpid(child, 0)[1] == 0
    assert use() == wanted  # the parent still works
    print("done")
    """
    assert output_of(USE + code, directory=tmp_path) == "done"


def test_child_born_in_the_middle_of_calls(tmp_path):
    code = """
    wanted = use()
    finished = threading.Event()

    def work():
        while not finished.is_set():
            assert use() == wanted

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in range(10):
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            os._exit(0 if use() == wanted else 9)
        assert os.waitpid(child, 0)[1] == 0
    finished.set()
    for worker in workers:
        worker.join()
    print("done")
    """
    assert output_of(USE + code, directory=tmp_path) == "done"


def test_prepared_objects_and_grandchildren(tmp_path):
    code = """
    gram, neighbors = mmkernels.prepare_gram(x, kernel="rbf"), mmkernels.knn(x, 10)
    wanted = mmkernels.cka(gram, y, kernel="rbf"), mmkernels.mutual_knn(neighbors, y)

    def child(depth):
        signal.alarm(60)
        same = wanted == (mmkernels.cka(gram, y, kernel="rbf"), mmkernels.mutual_knn(neighbors, y))
        if same and depth:
            grandchild = os.fork()
            if grandchild == 0:
                child(depth - 1)
            same = os.waitpid(grandchild, 0)[1] == 0
        os._exit(0 if same else 9)

    pid = os.fork()
    if pid == 0:
        child(2)
    assert os.waitpid(pid, 0)[1] == 0
    print("done")
    """
    assert output_of(USE + code, directory=tmp_path) == "done"


def test_multiprocessing_pool(tmp_path):
    code = """
    import multiprocessing

    def score(seed):
        a, b = np.random.default_rng(seed).standard_normal((2, 300, 20))
        return float(mmkernels.mutual_knn(a, b)), float(mmkernels.cka(a, b))

    wanted = [score(seed) for seed in range(8)]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map_async(score, range(8)).get(60) == wanted
    print("done")
    """
    assert output_of(USE + code, directory=tmp_path) == "done"
