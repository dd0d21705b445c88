"""Arguments in CUDA memory: what is accepted, and one sentence for each that is not."""

from __future__ import annotations

import numpy as np
import pytest

import mmkernels
from mmkernels.cuda import _libraries, _module
from mmkernels.cuda._arrays import as_device_input, device_inputs, on_one_device

from .devices import ShimArray, ShimLibrary

VALUES = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)


def refused(kind, *parts, function=as_device_input, arguments=()):
    with pytest.raises(kind) as caught:
        function(*arguments)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert "\n" not in message
    assert message.endswith(".")


def test_an_array_is_viewed(device):
    x = device.array(VALUES)
    rows = as_device_input("x", x)
    assert (rows.name, rows.shape, rows.type, rows.device) == ("x", (20, 4), "float32", 0)
    assert rows.given is x
    assert as_device_input("y", rows) is rows
    assert np.array_equal(device.host(rows.wrap(np.arange(3.0))), np.arange(3.0))


def test_no_stream_is_waited_for(shim):
    x = shim.array(VALUES)
    as_device_input("x", x)
    assert x.given_away == [{"stream": -1, "max_version": (1, 0)}]


def test_a_library_without_versions(shim):
    class Old(ShimArray):
        def __dlpack__(self, stream=None):
            return super().__dlpack__()

    assert as_device_input("x", Old(VALUES)).shape == (20, 4)


def test_wrong_shapes_and_types(device):
    for values, kind, parts in (
        (VALUES[0], ValueError, ["x must be two-dimensional", "(4,)"]),
        (VALUES.reshape(2, 10, 4), ValueError, ["x must be two-dimensional", "(2, 10, 4)"]),
        (VALUES[:, :0], ValueError, ["x has no features", "(20, 0)"]),
        (VALUES.astype(np.complex64), TypeError, ["x has dtype complex64", "allowed are float16"]),
    ):
        refused(kind, *parts, arguments=("x", device.array(values)))


def test_host_memory(device):
    x = device.array(VALUES)
    words = "y is in host memory and x in CUDA memory; all arguments must be on one device."
    refused(ValueError, words, function=lambda: device_inputs(x=x, y=VALUES))
    words = "xs[1] is in host memory and xs[0] in CUDA memory"
    lists = {"xs[0]": x, "xs[1]": VALUES, "xs[2]": VALUES}
    refused(ValueError, words, function=lambda: device_inputs(**lists))
    refused(ValueError, "x is not in CUDA memory", arguments=("x", VALUES))


def test_two_devices(shim):
    x, y = shim.array(VALUES), shim.array(VALUES, device=1)
    parts = ["x is on the device cuda:0 and y on cuda:1", "on one device"]
    refused(ValueError, *parts, function=lambda: device_inputs(x=x, y=y))


def test_two_libraries(shim, monkeypatch):
    class Other(ShimArray):
        pass

    class OtherLibrary(ShimLibrary):
        name = "other"

        def holds(self, x):
            return isinstance(x, Other)

    monkeypatch.setattr(_libraries, "LIBRARIES", [OtherLibrary(), *_libraries.LIBRARIES])
    x, y = shim.array(VALUES), Other(VALUES)
    parts = ["x is an array of shim and y one of other", "from_dlpack(y)"]
    refused(TypeError, *parts, function=lambda: device_inputs(x=x, y=y))
    on_one_device(as_device_input("x", x), as_device_input("x", x))


class Foreign:
    """An array on a device, of a library that gives no memory away."""

    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, **_):
        raise AssertionError("it must not be read")


def test_other_libraries(shim):
    parts = ["x is in CUDA memory", "Foreign", "pass torch.from_dlpack(x)", "PyTorch or CuPy"]
    refused(TypeError, *parts, arguments=("x", Foreign()))


def test_an_array_that_cannot_be_given_away(shim):
    class Broken(ShimArray):
        def __dlpack__(self, **_):
            raise BufferError("No. And more\nlines")

    refused(
        TypeError, "x cannot be read as an array of numbers: No.", arguments=("x", Broken(VALUES))
    )


def test_a_module_that_is_not_built(shim, monkeypatch):
    monkeypatch.setattr(_module, "module", None)
    monkeypatch.setattr(_module.importlib.util, "find_spec", lambda name: None)
    parts = ["x is in CUDA memory", "built where no CUDA compiler was found", "host memory"]
    refused(RuntimeError, *parts, arguments=("x", shim.array(VALUES)))
    assert not mmkernels.cuda.is_available()
    assert mmkernels.cuda.device_count() == 0
    assert mmkernels.cuda.why_unavailable().endswith("no CUDA compiler was found.")


def test_a_machine_without_a_device(shim, monkeypatch):
    class Without:
        @staticmethod
        def availability():
            return 0, "No CUDA driver is installed."

    monkeypatch.setattr(_module, "module", Without)
    parts = ["x is in CUDA memory", "(No CUDA driver is installed)"]
    refused(RuntimeError, *parts, arguments=("x", shim.array(VALUES)))
    assert mmkernels.cuda.why_unavailable() == "No CUDA driver is installed."


def test_a_machine_with_a_device(device):
    assert mmkernels.cuda.is_available()
    assert mmkernels.cuda.device_count() >= 1
    assert mmkernels.cuda.why_unavailable() is None


def test_a_gradient_is_not_asked_for_again(gpu):
    x = gpu.array(VALUES).requires_grad_()
    assert as_device_input("x", x).shape == (20, 4)


def test_a_device_that_is_not_the_current_one(gpu):
    import torch

    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    x = gpu.array(VALUES, device=1)
    assert as_device_input("x", x).device == 1
    mmkernels.cuda.check(x)
    assert torch.cuda.current_device() == 0
    parts = ["x is on the device cuda:1 and y on cuda:0"]
    refused(ValueError, *parts, function=lambda: device_inputs(x=x, y=gpu.array(VALUES)))


def test_sparse_tensors(gpu):
    refused(TypeError, "x has the layout", arguments=("x", gpu.array(VALUES).to_sparse()))
