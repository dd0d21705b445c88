"""The extension module mmkernels._cuda: loaded when first needed, or the reason why it is not."""

from __future__ import annotations

import importlib.util
from typing import Any

_NOT_BUILT = "This installation of mmkernels was built where no CUDA compiler was found."

#: The extension module in use, None until it is loaded.
module: Any = None
_usable = False


def availability() -> tuple[int, str | None]:
    """How many devices there are, and a sentence why where there are none."""
    try:
        devices, reason = _load().availability()
    except ImportError as error:
        return 0, str(error)
    return devices, reason or None


def require(name: str) -> Any:
    """The module, on a machine with a device; else RuntimeError, which names the argument."""
    return _usable_module(
        f"{name} is in CUDA memory, but mmkernels cannot use CUDA ({{}}); pass a copy in host "
        "memory to compute on the CPU."
    )


def require_any() -> Any:
    """The same where the arguments are in host memory."""
    return _usable_module("mmkernels cannot use CUDA here: {}.")


def _usable_module(sentence: str) -> Any:
    global _usable
    if not _usable or module is None:
        devices, reason = availability()
        if not devices:
            raise RuntimeError(sentence.format(reason.rstrip(".")))
        _usable = True
    return module


def _load() -> Any:
    global module
    if module is None:
        if importlib.util.find_spec("mmkernels._cuda") is None:
            raise ImportError(_NOT_BUILT)
        try:
            from mmkernels import _cuda
        except ImportError as error:
            raise ImportError(f"mmkernels._cuda cannot be loaded: {error}.") from None
        module = _cuda
    return module
