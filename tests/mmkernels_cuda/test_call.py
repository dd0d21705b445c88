"""What a call takes of the caller's library: its stream and its memory."""

from __future__ import annotations

import numpy as np
import pytest

from mmkernels.cuda._arrays import as_device_input, device_inputs
from mmkernels.cuda._call import Call

VALUES = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)


def test_memory(device):
    call = Call("knn", as_device_input("x", device.array(VALUES)))
    address = call.workspace(1000)
    assert address
    assert address % 256 == 0
    assert call.workspace(0) not in (0, address)
    result = call.empty((3, 5), "int64")
    assert device.host(result).shape == (3, 5)
    assert device.host(result).dtype == np.int64
    assert call.pointer(result) % 256 == 0
    assert device.host(call.empty((), "float64")).shape == ()


def test_the_current_stream_is_taken(shim):
    shim.library.current_stream = 7 << 20
    call = Call("knn", as_device_input("x", shim.array(VALUES)))
    assert call.stream == 7 << 20


def test_the_current_stream_of_torch_is_taken(gpu):
    import torch

    rows = as_device_input("x", gpu.array(VALUES))
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        assert Call("knn", rows).stream == stream.cuda_stream
    assert Call("knn", rows).stream == torch.cuda.current_stream().cuda_stream


def test_memory_that_is_not_there(shim, monkeypatch):
    inputs = device_inputs(x=shim.array(VALUES), y=shim.array(VALUES[:, :3]))
    call = Call("mutual_knn", *inputs)

    def full(*_):
        raise MemoryError("Tried to allocate 1 GiB. And so on.")

    with monkeypatch.context() as patch:
        patch.setattr(shim.library, "empty", full)
        with pytest.raises(MemoryError) as caught:
            call.workspace(12345, "its lists")
        assert str(caught.value) == (
            "mutual_knn needs 12345 bytes on cuda:0 for its lists (x of shape (20, 4), y of shape "
            "(20, 3)), which shim cannot allocate: Tried to allocate 1 GiB."
        )
        with pytest.raises(MemoryError, match="needs 120 bytes on cuda:0 for its result"):
            call.empty((3, 5), "float64")
    assert call.workspace(12345)


def test_other_errors_of_the_library_are_its_own(shim, monkeypatch):
    call = Call("knn", as_device_input("x", shim.array(VALUES)))

    def broken(*_):
        raise KeyError("something else")

    monkeypatch.setattr(shim.library, "empty", broken)
    with pytest.raises(KeyError):
        call.workspace(1)


def test_a_full_device_stays_usable(gpu):
    import torch

    import mmkernels

    x = gpu.array(VALUES)
    call = Call("knn", as_device_input("x", x))
    with pytest.raises(MemoryError, match="which torch cannot allocate: CUDA out of memory"):
        call.workspace(1 << 50)
    mmkernels.cuda.check(x)
    assert torch.equal(x + 0, x)
