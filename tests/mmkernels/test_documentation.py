"""The examples in the docstrings are true, and what the documentation says of the tests is."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import mmkernels

MODULES = ["mmkernels"] + [
    module.name
    for module in pkgutil.walk_packages(mmkernels.__path__, "mmkernels.")
    if module.name not in ("mmkernels._cpu", "mmkernels._cuda")
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


TESTS = Path(__file__).resolve().parents[1]
PEER_BUGS = TESTS.parent / "docs" / "peer-bugs.md"


def names_in(file):
    """Names as pytest has them, of functions and of methods, without their parameters."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    classes = {"": body} | {f"{n.name}::": n.body for n in body if isinstance(n, ast.ClassDef)}
    return {
        prefix + node.name
        for prefix, nodes in classes.items()
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def named_beside_faults():
    """(file, test) for each test that the page on other programs' faults names."""
    return re.findall(r"`([\w/]+\.py)::([\w:]+)`", PEER_BUGS.read_text(encoding="utf-8"))


def test_every_test_named_beside_a_fault_of_others_exists():
    named = named_beside_faults()
    assert len(named) > 100
    for file, test in named:
        path = TESTS / file if "/" in file else TESTS / "mmkernels" / file
        assert path.exists(), file
        assert test in names_in(path), f"{file}::{test}"


def test_every_fault_of_others_that_is_tested_is_listed():
    named = set(named_beside_faults())
    for path in sorted(TESTS.glob("mmkernels/test_peer_bugs_*.py")):
        missing = {(path.name, test) for test in names_in(path)} - named
        assert not missing


def test_every_row_of_faults_names_a_project_and_a_test():
    rows = [line for line in PEER_BUGS.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    for row in rows:
        if row.startswith(("| project", "|---")):
            continue
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 3, row
        assert all(cells), row
        assert ".py::test_" in cells[2] or "::Test" in cells[2], row


def test_what_runs_on_a_device_is_listed():
    page = (TESTS.parent / "docs" / "cuda.md").read_text(encoding="utf-8")
    table = page[page.index("## What runs there") : page.index("Every other function")]
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    listed = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(listed) == sorted(set(mmkernels.__all__) & set(mmkernels.cuda.__all__))
