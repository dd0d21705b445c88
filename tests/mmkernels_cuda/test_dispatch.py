"""Which calls go to mmkernels.cuda, and that others do not notice."""

from __future__ import annotations

import doctest
import inspect
import timeit

import numpy as np
import pytest

import mmkernels
from mmkernels import alignment
from mmkernels._dispatch import for_devices
from mmkernels.cuda._arrays import as_device_input

VALUES = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
DISPATCHED = {
    "knn": lambda f, x: f(x, 3),
    "mutual_knn": lambda f, x: f(x, x, k=3),
    "jaccard_knn": lambda f, x: f(x, x, k=3),
    "cycle_knn": lambda f, x: f(x, x, k=3),
    "lcs_knn": lambda f, x: f(x, x, k=3),
    "edit_distance_knn": lambda f, x: f(x, x, k=3),
    "mutual_knn_matrix": lambda f, x: f([x, x], k=3),
    "mutual_knn_null": lambda f, x: f(x, x, k=3, permutations=2),
    "hsic": lambda f, x: f(x, x),
    "cka": lambda f, x: f(x, x),
    "cka_matrix": lambda f, x: f([x, x]),
    "prepare_gram": lambda f, x: f(x),
    "centered_gram": lambda f, x: f(x),
}


@pytest.fixture
def recorded(monkeypatch):
    """Puts a function in the place of one of mmkernels.cuda, and keeps what it is called with."""
    calls = []

    def record(name):
        def counterpart(*arguments, **options):
            calls.append((arguments, options))
            return "from the device"

        monkeypatch.setattr(mmkernels.cuda, name, counterpart, raising=False)
        return calls

    return record


@pytest.mark.parametrize("name", DISPATCHED)
class TestEach:
    def test_arrays_on_a_device_are_forwarded(self, name, device, recorded):
        calls = recorded(name)
        call, function = DISPATCHED[name], getattr(mmkernels, name)
        assert call(function, device.array(VALUES)) == "from the device"
        call(function, VALUES)
        assert len(calls) == 1

    def test_without_a_counterpart_the_cpu_says_so(self, name, device, monkeypatch):
        monkeypatch.delattr(mmkernels.cuda, name, raising=False)
        with pytest.raises(ValueError, match="this is computed on the CPU: "):
            DISPATCHED[name](getattr(mmkernels, name), device.array(VALUES))

    def test_it_looks_as_it_did(self, name):
        function = getattr(mmkernels, name)
        original = function.__wrapped__
        assert inspect.signature(function) == inspect.signature(original)
        assert function.__doc__ is original.__doc__
        assert function.__qualname__ == name
        assert function.__globals__ is original.__globals__
        [found] = doctest.DocTestFinder(recurse=False).find(
            function, name, module=inspect.getmodule(original)
        )
        assert found.examples


def test_examples_are_found_in_the_module():
    found = doctest.DocTestFinder().find(alignment)
    assert {test.name.rpartition(".")[2] for test in found if test.examples} >= {
        "hsic",
        "cka",
        "cka_matrix",
    }


@pytest.mark.parametrize(
    "hold",
    [list, tuple, iter, lambda xs: dict(enumerate(xs)).values(), lambda xs: (x for x in xs)],
    ids=["list", "tuple", "iterator", "values", "generator"],
)
def test_sequences_are_looked_into(device, recorded, hold):
    calls = recorded("cka_matrix")
    x = device.array(VALUES)
    assert mmkernels.cka_matrix(hold([VALUES, x])) == "from the device"
    assert mmkernels.cka_matrix([VALUES], ys=hold([x])) == "from the device"
    assert list(calls[0][0][0])[1] is x
    wanted = mmkernels.cka_matrix([VALUES, VALUES**3])
    assert np.array_equal(mmkernels.cka_matrix(hold([VALUES, VALUES**3])), wanted)
    assert len(calls) == 2


def test_either_side_is_enough(device, recorded):
    calls = recorded("cka")
    x = device.array(VALUES)
    for arguments, options in (((x, VALUES), {}), ((VALUES, x), {}), ((VALUES,), {"y": x})):
        assert mmkernels.cka(*arguments, **options) == "from the device"
    assert len(calls) == 3


def test_by_name(device, recorded):
    calls = recorded("cka")
    x = device.array(VALUES)
    assert mmkernels.measure("cka", x, x) == "from the device"
    assert calls[0][1] == {"unbiased": False}
    matrix = recorded("mutual_knn_matrix")
    assert mmkernels.measure_matrix("mutual_knn", [x, x], k=3) == "from the device"
    assert len(matrix) == 2


def test_pair_by_pair(device, monkeypatch):
    monkeypatch.setattr(mmkernels.cuda, "prepare_gram", lambda x, **_: x, raising=False)
    monkeypatch.setattr(mmkernels.cuda, "hsic", lambda x, y, **_: 0.25, raising=False)
    x = device.array(VALUES)
    found = mmkernels.measure_matrix("hsic", [x, x], [x])
    assert device.host(found).tolist() == [[0.25], [0.25]]
    with pytest.raises(ValueError, match="is in CUDA memory; this is computed on the CPU"):
        mmkernels.measure_matrix("procrustes", [x, x])


def test_functions_without_a_counterpart(device):
    x = device.array(VALUES)
    for function in (mmkernels.procrustes, mmkernels.cknna, mmkernels.cmd):
        with pytest.raises(ValueError, match=r"x is .*; this is computed on the CPU: "):
            function(x, x)
    with pytest.raises(ValueError, match="x is in CUDA memory; this is computed on the CPU"):
        mmkernels.procrustes(as_device_input("x", x), VALUES)


def test_what_was_made_of_device_arrays(recorded):
    class OfTheDevice:
        in_device_memory = True

    calls = recorded("mutual_knn")
    assert mmkernels.mutual_knn(OfTheDevice(), VALUES) == "from the device"
    assert len(calls) == 1


def test_the_host_does_not_notice(recorded):
    torch = pytest.importorskip("torch")
    calls = recorded("cka")
    wanted = mmkernels.cka.__wrapped__(VALUES, VALUES**3)
    assert mmkernels.cka(VALUES, VALUES**3) == wanted
    assert mmkernels.cka(VALUES.tolist(), (VALUES**3).tolist()) == pytest.approx(wanted)
    assert mmkernels.cka(torch.from_numpy(VALUES), torch.from_numpy(VALUES**3)) == wanted
    assert not calls
    with pytest.raises(TypeError, match="unexpected keyword argument 'kernal'"):
        mmkernels.cka(VALUES, VALUES, kernal="rbf")
    with pytest.raises(TypeError, match=r"cka\(\) missing 1 required positional argument: 'y'"):
        mmkernels.cka(VALUES)


@pytest.mark.parametrize("of_torch", [False, True])
def test_it_costs_less_than_two_microseconds(of_torch):
    x = pytest.importorskip("torch").from_numpy(VALUES) if of_torch else VALUES

    def function(x, y, *, kernel="linear", sigma=None, unbiased=None):
        return x

    dispatched = for_devices(function)

    def seconds(call):
        run = timeit.Timer(lambda: call(x, x, kernel="rbf", sigma=1.0))
        return min(run.repeat(20, 1000)) / 1000

    assert seconds(dispatched) - seconds(function) < 2e-6


def test_derivatives_stay_with_pytorch(gpu):
    import torch

    x = gpu.array(VALUES).requires_grad_()
    y = gpu.array(VALUES**3)
    for function in (mmkernels.cka, mmkernels.hsic, mmkernels.torch.cka):
        score = function(x, y)
        (gradient,) = torch.autograd.grad(score, x)
        assert gradient.device == x.device
        assert torch.isfinite(gradient).all()


def test_what_pytorch_differentiates_is_not_forwarded(recorded, monkeypatch):
    torch = pytest.importorskip("torch")
    calls = recorded("cka")
    x = torch.from_numpy(VALUES).requires_grad_()
    monkeypatch.setattr(mmkernels._dispatch, "in_device_memory", lambda _: True)
    monkeypatch.setattr(mmkernels._dispatch, "_TENSORS", set())

    @for_devices
    def cka(x, y):
        return "from PyTorch"

    y = torch.from_numpy(VALUES)
    assert cka(x, y) == "from PyTorch"
    assert cka(y, x) == "from PyTorch"
    assert cka(y, y) == "from the device"
    with torch.no_grad():
        assert cka(x, y) == "from the device"
    with torch.autograd.forward_ad.dual_level():
        assert cka(torch.autograd.forward_ad.make_dual(y, y), y) == "from PyTorch"
    assert len(calls) == 2
