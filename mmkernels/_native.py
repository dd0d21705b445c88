"""The compiled engine, or one sentence on how to get it."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("mmkernels._cpu") is None:
    raise ImportError(
        "mmkernels is not built here: type `pip install .` in the checkout and import it from "
        "another directory."
    )

from . import _cpu

__all__ = ["_cpu"]
