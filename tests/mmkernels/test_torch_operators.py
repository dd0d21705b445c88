"""Operators that PyTorch accepts as its own, and that compiled graphs keep whole."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels

from . import datasets

torch = pytest.importorskip("torch")

import mmkernels.torch  # noqa: E402


def features(n, d, seed=0, dtype=torch.float32):
    return torch.from_numpy(datasets.gaussian(n, d, seed)).to(dtype)


def wide(n, d, seed=0):
    return features(n, d, seed, torch.float64).requires_grad_()


X, Y = features(20, 4), features(20, 3, 1)
CASES = {
    "knn": (X, 3, "l2", None),
    "knn of queries": (X, 3, "cosine", features(5, 4, 2)),
    "mutual_knn": (X, Y.bfloat16(), 3, "cosine", "raise"),
    "cka": (X, Y, "rbf", None, "song"),
    "cka of given width": (X.double(), Y, "rbf", 2.0, "gretton"),
    "hsic": (X, Y, "linear", None, "lange"),
    "median_distance": (X,),
    "hsic_terms of linear": (wide(20, 4), wide(20, 3, 1), "linear", True, True),
    "hsic_terms of rbf": (wide(20, 4), wide(20, 3, 1).detach(), "rbf", False, True),
    "hsic_terms of one": (wide(20, 4), wide(20, 3, 1), "rbf", True, False),
    "hsic_terms_backward": (
        wide(20, 4).detach(), wide(20, 3, 1).detach(), wide(2, 20, 2).detach(),
        torch.ones(3, dtype=torch.float64), "rbf", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_opcheck(name):
    operator = getattr(torch.ops.mmkernels, name.split()[0]).default
    torch.library.opcheck(operator, CASES[name])


def everything(x, y):
    """Scores and neighbours of what a model made of x."""
    made = torch.tanh(x)
    score = mmkernels.torch.cka(made, y) + mmkernels.torch.cka(made, y, kernel="rbf")
    score = score + mmkernels.torch.hsic(made, y, kernel="rbf", sigma=2.0, unbiased=False)
    found = mmkernels.torch.knn(made, 3, metric="l2")
    with torch.no_grad():
        plain = mmkernels.torch.cka(made, y, kernel="rbf", sigma=1.0)
        plain = plain + mmkernels.torch.hsic(made, y)
    overlap = mmkernels.torch.mutual_knn(made, y, k=3)
    return score, (plain, overlap, found.indices, found.scores)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_graphs_do_not_break(backend):
    torch._dynamo.reset()
    compiled = torch.compile(everything, fullgraph=True, backend=backend)
    for n in (20, 31, 40):  # the second size makes the graph one of any size
        x, y = features(n, 4).requires_grad_(), features(n, 3, 1)
        again = x.detach().clone().requires_grad_()
        score, others = compiled(x, y)
        wanted, wanted_others = everything(again, y)
        score.backward()
        wanted.backward()
        assert score.item() == pytest.approx(wanted.item(), rel=1e-12)
        assert torch.allclose(x.grad, again.grad, rtol=1e-5, atol=1e-7)
        for a, b in zip(others, wanted_others, strict=True):
            assert torch.allclose(a.double(), b.double(), rtol=1e-12, atol=1e-12)


def test_values_are_those_of_the_public_functions():
    x, y = features(60, 9), features(60, 7, 1)
    for name, options in (
        ("cka", {}),
        ("cka", {"kernel": "rbf", "unbiased": False}),
        ("hsic", {"kernel": "rbf", "sigma": 3.0}),
        ("mutual_knn", {"k": 5, "metric": "l2"}),
    ):
        found = getattr(mmkernels.torch, name)(x, y, **options)
        assert found == getattr(mmkernels, name)(x, y, **options)
    for options in ({}, {"metric": "l2", "queries": y[:, :1].expand(-1, 9)}):
        found, wanted = mmkernels.torch.knn(x, 4, **options), mmkernels.knn(x, 4, **options)
        assert torch.equal(found.indices, wanted.indices)
        assert torch.equal(found.scores, wanted.scores)


def test_neighbours_of_what_requires_a_gradient_have_none():
    x, y = wide(20, 4), wide(20, 3, 1)
    assert not mmkernels.torch.knn(x, 3).scores.requires_grad
    assert not mmkernels.torch.mutual_knn(x, y, k=3).requires_grad


def test_errors_are_those_of_the_public_functions():
    x = X.clone()
    x[3] = np.nan
    with pytest.raises(ValueError, match="x has NaN or infinity in row 3"):
        mmkernels.torch.cka(x, Y)
    with pytest.raises(ValueError, match="k must be between 1 and 19"):
        mmkernels.torch.mutual_knn(X, Y, k=20)
    with pytest.raises(ValueError, match="sigma must be a positive number"):
        mmkernels.torch.hsic(X, Y, kernel="rbf", sigma="mean")
