"""What mmkernels.cuda asks of PyTorch and CuPy, as far as it can be asked without a GPU."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from mmkernels.cuda._libraries import CuPy, Torch, library_of

from .devices import ShimArray, relabelled
from .test_dlpack import TYPES

VALUES = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)


class TestTorch:
    @pytest.fixture(autouse=True)
    def torch(self):
        self.torch = pytest.importorskip("torch")
        self.library = Torch()

    @pytest.mark.parametrize("name", TYPES)
    def test_types(self, name, shim_module):
        tensor = self.torch.ones(20, 4).to(getattr(self.torch, name))
        capsule = relabelled(self.library.capsule("x", tensor), 1, name)
        array = shim_module.Array(capsule)
        assert (array.type, array.shape, array.device) == (name, (20, 4), 1)
        assert array.pointer == self.library.pointer(tensor)

    def test_gradients_and_lazy_signs_are_resolved(self, shim_module):
        x = self.torch.from_numpy(VALUES).requires_grad_()
        negated = self.torch.complex(x.detach(), -x.detach()).conj().imag
        assert negated.is_neg()
        for tensor in (x, negated, x.t()):
            capsule = relabelled(self.library.capsule("x", tensor), 0, "float32")
            assert shim_module.Array(capsule).shape == tuple(tensor.shape)

    def test_what_is_not_dense(self):
        with pytest.raises(TypeError, match=r"x has the layout torch\.sparse_coo; pass a dense"):
            self.library.capsule("x", self.torch.from_numpy(VALUES).to_sparse())

    def test_out_of_memory(self):
        assert self.library.is_out_of_memory(self.torch.OutOfMemoryError("full"))
        assert not self.library.is_out_of_memory(RuntimeError("something else"))

    def test_it_knows_its_own(self):
        assert self.library.holds(self.torch.ones(2))
        assert not self.library.holds(VALUES)


class StandIn(ShimArray):
    """For cupy.ndarray."""

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self.values.ctypes.data)


class OutOfMemoryError(Exception):
    """For cupy's."""


class TestCuPy:
    """On a stand-in of the few names that are used; the real CuPy needs a GPU."""

    @pytest.fixture(autouse=True)
    def cupy(self, monkeypatch):
        current = []

        class Device:
            def __init__(self, index):
                self.index = index

            def __enter__(self):
                current.append(self.index)

            def __exit__(self, *_):
                current.pop()

        stand_in = types.SimpleNamespace(
            ndarray=StandIn,
            empty=lambda shape, dtype: StandIn(np.empty(shape, dtype), current[-1]),
            asarray=lambda values: StandIn(np.array(values), current[-1]),
            cuda=types.SimpleNamespace(
                Device=Device,
                get_current_stream=lambda: types.SimpleNamespace(ptr=100 + current[-1]),
                memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
            ),
        )
        monkeypatch.setitem(sys.modules, "cupy", stand_in)
        self.library = CuPy()

    def test_memory_and_streams_are_of_the_device(self):
        array = self.library.empty((3, 2), "float64", 1)
        assert (array.device, array.shape, array.values.dtype) == (1, (3, 2), np.float64)
        assert self.library.pointer(array) == array.values.ctypes.data
        assert self.library.stream(2) == 102
        assert self.library.from_host(VALUES, 3).device == 3

    def test_it_knows_its_own(self):
        array = StandIn(VALUES)
        assert library_of("x", array).name == "cupy"
        assert not self.library.holds(ShimArray(VALUES))
        self.library.capsule("x", array)
        assert array.given_away == [{"stream": -1, "max_version": (1, 0)}]
        assert self.library.is_out_of_memory(OutOfMemoryError())
        assert not self.library.is_out_of_memory(MemoryError())
