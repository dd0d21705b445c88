"""What importing costs, what it loads, and what an unbuilt checkout says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .processes import output_of, run_python

SOURCES = Path(__file__).resolve().parents[2] / "mmkernels"


def test_nothing_heavy_is_loaded(tmp_path):
    code = """
        import sys, mmkernels, numpy
        mmkernels.cka(numpy.eye(6)[:, :3], numpy.eye(6)[:, 1:3])
        mmkernels.mutual_knn(numpy.eye(6) + 1, numpy.eye(6) + 2, k=2)
        heavy = {"torch", "scipy", "pandas", "mmalign", "sklearn", "mmkernels._cuda"}
        loaded = heavy & set(sys.modules)
        print(sorted(loaded))
    """
    assert output_of(code, directory=tmp_path) == "[]"


def test_import_takes_less_than_a_third_of_a_second(tmp_path):
    code = """
        from time import process_time  # a busy machine stretches the clock on the wall
        start = process_time()
        import mmkernels
        print(process_time() - start)
    """
    seconds = [float(output_of(code, directory=tmp_path)) for _ in range(4)]
    assert min(seconds) < 0.3, seconds


def test_an_unbuilt_checkout_says_what_to_type(tmp_path):
    copy = tmp_path / "mmkernels"
    copy.mkdir()
    for source in SOURCES.glob("*.py"):
        shutil.copy(source, copy)
    process = run_python("import mmkernels", directory=tmp_path)
    assert process.returncode == 1
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: mmkernels is not built")
    assert "`pip install .`" in last
    assert last.endswith(".")
    assert last.count(". ") == 0  # one sentence


@pytest.mark.parametrize("count", ["1", "3"])
def test_threads_from_the_environment(count, tmp_path):
    code = "import mmkernels; print(mmkernels.get_num_threads())"
    environment = {"MMKERNELS_NUM_THREADS": count}
    assert output_of(code, directory=tmp_path, environment=environment) == count


@pytest.mark.parametrize("count", ["0", "-1", "many", "2.5", "2 threads"])
def test_a_wrong_number_of_threads_in_the_environment_is_an_error(count, tmp_path):
    code = "import mmkernels; print(mmkernels.get_num_threads())"
    environment = {"MMKERNELS_NUM_THREADS": count}
    process = run_python(code, directory=tmp_path, environment=environment)
    assert process.returncode == 1
    last = process.stderr.strip().splitlines()[-1]
    assert "MMKERNELS_NUM_THREADS" in last
    assert count in last


def test_threads_do_not_exceed_the_processors_allowed(tmp_path):
    code = """
        import os
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
        import mmkernels
        print(mmkernels.get_num_threads())
    """
    environment = {"MMKERNELS_NUM_THREADS": None}
    assert output_of(code, directory=tmp_path, environment=environment) == "1"
