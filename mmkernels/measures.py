"""Metrics by name, for configuration files and command lines."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ._arrays import Array
from .alignment import cka, hsic
from .correlation_matrices import cmd
from .distance import distance_correlation
from .overlap import mutual_knn

_MEASURES: dict[str, Callable[..., Array]] = {
    "mutual_knn": mutual_knn,
    "cka": partial(cka, unbiased=False),
    "unbiased_cka": partial(cka, unbiased=True),
    "hsic": partial(hsic, unbiased=False),
    "unbiased_hsic": partial(hsic, unbiased=True),
    "distance_correlation": distance_correlation,
    "cmd": cmd,
}


def measures() -> tuple[str, ...]:
    """The names :func:`measure` knows.

    >>> "mutual_knn" in measures()
    True
    """
    return tuple(_MEASURES)


def measure(name: str, x: Array, y: Array, **options: Any) -> Array:
    """The metric called ``name`` of x and y; options are those of the function of that family.

    The names are the field's: "cka" is the biased estimate and "unbiased_cka" the unbiased one
    (the function :func:`mmkernels.cka` is unbiased unless told otherwise).

    >>> import numpy as np
    >>> round(float(measure("cka", np.eye(5), np.eye(5))), 6)
    1.0
    """
    if name not in _MEASURES:
        raise ValueError(f"There is no measure {name!r}; there are {', '.join(measures())}.")
    return _MEASURES[name](x, y, **options)
