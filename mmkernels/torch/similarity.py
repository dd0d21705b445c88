"""HSIC and CKA of tensors, with gradients where one is asked for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmkernels._arrays import same_samples
from mmkernels._checks import at_least
from mmkernels._gradients import require_reverse_mode
from mmkernels._hsic import estimator_named
from mmkernels._kernels import kernel_named

from .hsic_terms import hsic_terms
from .operators import median_distance, native_cka, native_hsic, require_tensors

_WITH_GRADIENT = ("linear", "rbf")
_ESTIMATORS = ("song", "gretton")


def hsic(
    x: Tensor,
    y: Tensor,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
) -> Tensor:
    """:func:`mmkernels.hsic`, differentiable by ``x`` and ``y`` for linear and "rbf" kernels.

    HSIC is <K, M(L)>, M the centring (Song et al. 2012, equation 5, or Gretton et al. 2005); its
    gradient is 2 M(L) X for the linear kernel, and for "rbf" -2 / sigma^2 times the sum over j of
    M(L)_ij K_ij (x_i - x_j). Parameters and errors are those of :func:`mmkernels.hsic`.

    Where no gradient is asked for the engine computes the value; where one is, PyTorch does, in
    float64 whatever the type of the tensors, on their device: n d_x d_y multiply-adds (linear; or
    n^2 (d_x + d_y) where that is less), or n^2 (d_x + d_y), some three times that backwards. The
    memory is that of the features in float64 and of a dozen blocks of 4 MiB, or of one row of
    n values. A median bandwidth is a constant: the gradient does not go through it. There are no
    second derivatives, and no forward mode: tensors of forward_ad and of the derivatives in
    torch.func raise TypeError. Sums follow PyTorch's threads, unlike those of the engine.

    >>> x = torch.tensor([[0.0], [1.0], [2.0], [4.0]], requires_grad=True)
    >>> mmkernels.torch.hsic(x, x, unbiased=False).backward()
    >>> round(float(x.grad.sum()), 6)  # a shift changes nothing
    0.0
    """
    estimator = estimator_named(estimator, unbiased)
    require_tensors(x=x, y=y)
    require_reverse_mode(x=x, y=y)
    if not _wants_gradient(x, y):
        return native_hsic(x.detach(), y.detach(), kernel, _number(kernel, sigma), estimator)
    (x, unit_x), (y, unit_y) = _prepared(x, y, kernel, sigma, estimator)
    value = hsic_terms(x, y, kernel, estimator == "song", False)[0][0]
    if kernel == "linear":
        # One unit at a time: their product can overflow where the result does not.
        value = value * unit_x * unit_x * unit_y * unit_y
    return value


def cka(
    x: Tensor,
    y: Tensor,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
) -> Tensor:
    """:func:`mmkernels.cka`, differentiable by ``x`` and ``y`` for linear and "rbf" kernels.

    All that is said of :func:`mmkernels.torch.hsic` holds. Where a side is constant the score is
    NaN, with a warning, and so is every gradient: look for that before an optimiser takes a step.

    >>> x = torch.randn(30, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    >>> score = mmkernels.torch.cka(x, 3 * x.detach() + 1)
    >>> score.backward()
    >>> round(score.item(), 6), bool(x.grad.abs().max() < 1e-6)  # nothing is above 1
    (1.0, True)
    """
    estimator = estimator_named(estimator, unbiased)
    require_tensors(x=x, y=y)
    require_reverse_mode(x=x, y=y)
    if not _wants_gradient(x, y):
        return native_cka(x.detach(), y.detach(), kernel, _number(kernel, sigma), estimator)
    (x, _), (y, _) = _prepared(x, y, kernel, sigma, estimator)
    cross, own_x, own_y = hsic_terms(x, y, kernel, estimator == "song", True)[0].unbind()
    return cross / (own_x.sqrt() * own_y.sqrt())


def _wants_gradient(x: Tensor, y: Tensor) -> bool:
    return torch.is_grad_enabled() and (x.requires_grad or y.requires_grad)


def _number(kernel: str, sigma: Any) -> float | None:
    """The bandwidth as operators take it: a number, or None for the median or for no bandwidth."""
    width = kernel_named(kernel, sigma).sigma
    return None if width == "median" else width


def _prepared(
    x: Tensor, y: Tensor, kernel: str, sigma: Any, estimator: str
) -> list[tuple[Tensor, Tensor]]:
    """Both sides checked, in float64 and in units that make their squares' squares harmless."""
    if kernel not in _WITH_GRADIENT:
        names = " and ".join(repr(name) for name in _WITH_GRADIENT)
        raise ValueError(
            f"Gradients are known for the kernels {names}, not for {kernel!r}; pass x.detach() and "
            "y.detach() for the score alone."
        )
    if estimator not in _ESTIMATORS:
        names = " and ".join(repr(name) for name in _ESTIMATORS)
        raise ValueError(
            f"Gradients are known for the estimators {names}, not for {estimator!r}; pass "
            "x.detach() and y.detach() for the score alone."
        )
    width = kernel_named(kernel, sigma).sigma
    sides = [_Side("x", x), _Side("y", y)]
    same_samples(*sides)
    unbiased = estimator == "song"
    least, why = (4, "An unbiased estimate") if unbiased else (2, "A kernel matrix")
    at_least(x.shape[0], least, "x", x.shape, why)
    prepared = []
    for side in sides:
        values = side.values.double()
        unit = _unit(values.detach())
        if width == "median":
            unit = median_distance(side.values.detach())
        elif width is not None:
            unit = torch.full_like(unit, width)
        prepared.append((values / unit, unit))
    return prepared


def _unit(x: Tensor) -> Tensor:
    """A power of two near the largest difference of two rows; 1 where there is none."""
    longest = (x - x[:1]).abs().amax()
    return torch.where(longest > 0, torch.exp2(torch.floor(torch.log2(longest))), 1.0)


class _Side:
    """A tensor that has the shape and type of features."""

    def __init__(self, name: str, x: Tensor):
        self.name, self.values, self.shape = name, x, x.shape
        if x.dtype.is_complex:
            raise TypeError(f"{name} has dtype {x.dtype}; a gradient needs real numbers.")
        if x.layout != torch.strided:
            raise TypeError(f"{name} has the layout {x.layout}; pass a dense tensor.")
        if x.ndim != 2:
            raise ValueError(
                f"{name} must be two-dimensional, (n_samples, n_features); its shape is "
                f"{tuple(x.shape)}."
            )
        if x.shape[1] == 0:
            raise ValueError(f"{name} has no features; its shape is {tuple(x.shape)}.")
