"""The examples of docs/collect.md, run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mmalign.hooks.collect import collect

PAGE = (Path(__file__).parents[2] / "docs" / "collect.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("number", "shapes"), [(0, [16, 32, 64]), (1, [32, 32, 32])])
def test_examples(number, shapes, capsys):
    torch.manual_seed(0)
    variables: dict = {}
    exec(EXAMPLES[number], variables)
    features = variables["features"]
    assert [array.shape[1] for array in features.values()] == shapes
    assert all(np.isfinite(array).all() for array in features.values())
    assert len(EXAMPLES) == 2


def test_docstring():
    import doctest

    from mmalign.hooks import collect as module

    variables = {"nn": torch.nn, "torch": torch, "collect": collect}
    examples = doctest.DocTestParser().get_doctest(module.__doc__, variables, "collect", None, None)
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0
