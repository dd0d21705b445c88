"""HSIC and CKA by the kernels for Hopper, which $MMKERNELS_CUDA_PATH asks for at each call."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels import reference

PATH = "MMKERNELS_CUDA_PATH"


def normal(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(1, 1, (rows, columns)).astype(np.float32)


def pair():
    x, y = normal(131, 6), normal(131, 40, 1)
    x[:, 0] += y[:, 0]
    return x, y


@pytest.mark.parametrize(
    "kernel",
    [{"kernel": "cosine"}, {"kernel": "rbf"}, {"kernel": "distance"}, {"kernel": "polynomial"}],
    ids=str,
)
@pytest.mark.parametrize(
    ("precision", "tolerance"), [("exact", 1e-6), ("high", 2e-5), ("fast", 5e-3)]
)
def test_scores_are_those_of_float64(hopper, monkeypatch, kernel, precision, tolerance):
    monkeypatch.setenv(PATH, "sm90")
    x, y = pair()
    on_device = hopper.array(x), hopper.array(y)
    wanted = mmkernels.cka(*(mmkernels.prepare_gram(z, **kernel) for z in (x, y)))
    found = mmkernels.cka(*on_device, precision=precision, **kernel)
    assert float(found) == pytest.approx(float(wanted), abs=tolerance)
    norm = np.sqrt(np.prod([float(mmkernels.hsic(z, z, **kernel)) for z in (x, y)]))
    wanted = float(mmkernels.hsic(x, y, **kernel))
    found = mmkernels.hsic(*on_device, precision=precision, **kernel)
    assert float(found) == pytest.approx(wanted, abs=tolerance * norm)


def test_matrices_prepared_for_either_path_meet(hopper, monkeypatch):
    x, y = pair()
    wanted = reference.cka(x, y, kernel="laplacian")
    grams = []
    for path, z in (("general", x), ("sm90", y), ("sm90", x)):
        monkeypatch.setenv(PATH, path)
        grams.append(mmkernels.prepare_gram(hopper.array(z), kernel="laplacian"))
    for left in (grams[0], grams[2]):
        assert float(mmkernels.cka(left, grams[1])) == pytest.approx(wanted, abs=1e-6)
    matrix = hopper.host(mmkernels.cka_matrix(grams))
    assert matrix[:, 1] == pytest.approx([wanted, 1, wanted], abs=1e-6)
    assert hopper.host(mmkernels.centered_gram(grams[1])) == pytest.approx(
        mmkernels.centered_gram(y, kernel="laplacian"), abs=1e-6
    )
