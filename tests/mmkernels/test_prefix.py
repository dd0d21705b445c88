"""Searches that multiply leading directions only find what multiplying everything finds."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels

from . import datasets
from .processes import output_of, run_python

CODE = """
    import hashlib, os
    import numpy as np, mmkernels

    draw = np.random.default_rng(0)
    n, d = 2500, 160
    x = draw.standard_normal((n, d)) / np.arange(1, d + 1)
    x = (x @ np.linalg.qr(draw.standard_normal((d, d)))[0] + 0.3).astype(os.environ["DTYPE"])
    x[100:160] = x[40:100]
    digest = hashlib.sha256()
    for metric in ("cosine", "ip", "l2"):
        found = mmkernels.knn(x, 10, metric=metric, queries=x[::-1][:2100] * 1.01)
        digest.update(found.indices.tobytes() + found.scores.tobytes())
        for k in (1, 10, 300):
            found = mmkernels.knn(x, k, metric=metric)
            digest.update(found.indices.tobytes() + found.scores.tobytes())
    print(digest.hexdigest())
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_with_and_without(dtype, tmp_path):
    digests = set()
    for value in ("on", "off"):
        environment = {"MMKERNELS_PREFIX": value, "DTYPE": dtype}
        digests.add(output_of(CODE, directory=tmp_path, environment=environment))
    assert len(digests) == 1


def test_another_word_is_refused(tmp_path):
    code = "import numpy, mmkernels; mmkernels.knn(numpy.random.rand(3000, 128), 1)"
    process = run_python(code, directory=tmp_path, environment={"MMKERNELS_PREFIX": "maybe"})
    assert process.returncode == 1
    assert "MMKERNELS_PREFIX is 'maybe'; it must be on or off." in process.stderr


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize(("n", "d", "k"), [(300, 20, 10), (2500, 128, 3)])
def test_rows_that_occur_more_often_than_k(n, d, k, metric):
    """Each row's neighbours are the first rows of its own kind."""
    kinds = datasets.gaussian(3, d)
    kind = datasets.generator(1).integers(3, size=n)
    found = mmkernels.knn(kinds[kind], k, metric=metric)
    for row in range(0, n, 17):
        alike = np.flatnonzero(kind == kind[row])
        assert found.indices[row].tolist() == alike[alike != row][:k].tolist()
