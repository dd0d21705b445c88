"""Kernels by name, the parameters each of them takes, and what is wrong with those given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._checks import integer, one_of

_PARAMETERS: dict[str, tuple[str, ...]] = {
    "linear": (),
    "rbf": ("sigma",),
    "laplacian": ("sigma",),
    "cosine": (),
    "polynomial": ("degree", "offset", "gamma"),
    "distance": (),
    "precomputed": (),
}
KERNELS = tuple(_PARAMETERS)
# Of centred features a product of their own, so that HSIC has a form in feature space.
LINEAR = ("linear", "cosine")
_MOST_DEGREE = 100


@dataclass(frozen=True)
class Kernel:
    """A kernel and its parameters; those that it does not take are None."""

    name: str
    sigma: float | str | None = None
    degree: int | None = None
    offset: float | None = None
    gamma: float | None = None

    def __str__(self) -> str:
        given = [f"{name}={getattr(self, name)!r}" for name in _PARAMETERS[self.name]]
        return ", ".join([f"kernel={self.name!r}", *given])


def kernel_named(
    name: str,
    sigma: Any = None,
    degree: Any = None,
    offset: Any = None,
    gamma: Any = None,
) -> Kernel:
    """Defaults filled in: "median" and a ``gamma`` of None are resolved once features are known."""
    one_of("kernel", name, KERNELS)
    given = {"sigma": sigma, "degree": degree, "offset": offset, "gamma": gamma}
    for parameter, value in given.items():
        if value is not None and parameter not in _PARAMETERS[name]:
            raise ValueError(f"{parameter} is {value!r}, but the {name} kernel has none.")
    if name in ("rbf", "laplacian"):
        return Kernel(name, sigma=_bandwidth(sigma))
    if name == "polynomial":
        return Kernel(
            name,
            degree=3 if degree is None else _degree(degree),
            offset=1.0 if offset is None else _number("offset", offset, "a finite number"),
            gamma=None if gamma is None else _positive("gamma", gamma, "a positive number or None"),
        )
    return Kernel(name)


def _bandwidth(sigma: Any) -> float | str:
    if sigma is None or (isinstance(sigma, str) and sigma == "median"):
        return "median"
    return _positive("sigma", sigma, "a positive number or 'median'")


def _degree(degree: Any) -> int:
    value = integer("degree", degree)
    if not 1 <= value <= _MOST_DEGREE:
        raise ValueError(f"degree must be between 1 and {_MOST_DEGREE}; it is {value}.")
    return value


def _positive(name: str, value: Any, allowed: str) -> float:
    number = _number(name, value, allowed)
    if not number > 0:
        raise ValueError(f"{name} must be {allowed}; it is {value!r}.")
    return number


def _number(name: str, value: Any, allowed: str) -> float:
    try:
        number = float("nan") if isinstance(value, bool | np.bool_) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise ValueError(f"{name} must be {allowed}; it is {value!r}.")
    return number
