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


def _public(name):
    module = importlib.import_module(name)
    return [
        (name, word)
        for word, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == name
        and not word.startswith("_")
    ]


PUBLIC = [
    *(("mmkernels", name) for name in mmkernels.__all__),
    *_public("mmkernels.compat.platonic"),
    *_public("mmkernels.compat.platonic_layers"),
    *_public("mmkernels.torch.similarity"),
]


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_everything_public_has_an_example(module, name):
    assert ">>> " in inspect.getdoc(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("name", mmkernels.__all__)
def test_everything_public_is_described(name):
    described = inspect.getdoc(getattr(mmkernels, name))
    assert described
    assert described.splitlines()[0].endswith((".", "``."))
