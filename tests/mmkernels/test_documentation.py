"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import mmkernels

MODULES = ["mmkernels"] + [
    module.name
    for module in pkgutil.walk_packages(mmkernels.__path__, "mmkernels.")
    if module.name != "mmkernels._cpu"
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    if name.startswith("mmkernels.torch"):
        pytest.importorskip("torch")
    if name == "mmkernels.torch.metric":
        pytest.importorskip("torchmetrics")
    module = importlib.import_module(name)
    context = {"np": np, "mmkernels": mmkernels}
    result = doctest.testmod(module, extraglobs=context, optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


@pytest.mark.parametrize("name", mmkernels.__all__)
def test_everything_public_is_described(name):
    described = inspect.getdoc(getattr(mmkernels, name))
    assert described
    assert described.splitlines()[0].endswith((".", "``."))
