"""Where the tests of the CUDA functions run: see devices.py."""

from __future__ import annotations

import pytest

from .devices import Gpu, Shim, ShimLibrary, a_gpu_is_there
from .shim_module import load


@pytest.fixture(scope="session")
def shim_module():
    """The back end on the shim, built once."""
    return load()


@pytest.fixture
def shim(shim_module, monkeypatch):
    """The shim in the place of the back end, whether or not there is a GPU."""
    from mmkernels.cuda import _libraries, _module

    library = ShimLibrary()
    monkeypatch.setattr(_module, "module", shim_module)
    monkeypatch.setattr(_module, "_usable", False)
    monkeypatch.setattr(_libraries, "LIBRARIES", [library, *_libraries.LIBRARIES])
    return Shim(library)


@pytest.fixture
def device(request):
    """A GPU if there is one, else the shim."""
    return Gpu() if a_gpu_is_there() else request.getfixturevalue("shim")


@pytest.fixture
def gpu():
    """A GPU; the test is skipped without one."""
    if not a_gpu_is_there():
        pytest.skip("needs a GPU that mmkernels and PyTorch can use")
    return Gpu()


@pytest.fixture
def hopper(device):
    """A device that these kernels run on."""
    if device.real:
        import torch

        if torch.cuda.get_device_capability() != (9, 0):
            pytest.skip("needs a GPU of compute capability 9.0")
    return device
