"""Packages that only some commands need."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import UserError


def require(module: str, purpose: str, extra: str = "study") -> ModuleType:
    """Import ``module``; if its package is missing, a UserError says which extra brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != package:
            raise
        raise UserError(
            f"The package {package} is needed for {purpose} and is not installed: "
            f'pip install "mmkernels[{extra}]".'
        ) from None
