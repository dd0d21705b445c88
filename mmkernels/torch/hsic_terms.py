"""HSIC(x, y), HSIC(x, x) and HSIC(y, y) with their gradients, in float64 and O(n) memory.

HSIC is the sum over pairs of a kernel matrix times the other one, centred: <K, M(L)>, with M
linear and self-adjoint. Its derivative by K is therefore M(L), and the chain rule through
K = X X' or K_ij = exp(-|x_i - x_j|^2 / 2) needs nothing but products with blocks of M(L), made
again in the backward pass.
"""

# No postponed annotations: torch reads the operators' schemas from them.
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from mmkernels._moments import DEGENERATE
from mmkernels._warn import warn

# Entries of one block of a kernel matrix: 4 MiB in float64.
_BLOCK_ENTRIES = 2**19


@torch.library.custom_op("mmkernels::hsic_terms", mutates_args=())
def hsic_terms(
    x: Tensor, y: Tensor, kernel: str, unbiased: bool, own: bool
) -> tuple[Tensor, Tensor]:
    """((3,) HSIC of xy, xx, yy; (2, n) what the backward pass needs of all rows), for float64.

    The Gaussian kernel has bandwidth 1. ``own`` asks for xx and yy, as divisors: NaN where they
    are what rounding leaves of zero.
    """
    sides = [_centred(name, z) for name, z in (("x", x), ("y", y))]
    n = len(x)
    if kernel == "linear":
        rows = torch.stack([side.square().sum(dim=1) for side in sides])
        products = [_squared_product(*pair) for pair in _pairs(*sides)[: 3 if own else 1]]
        magnitudes = products
        # Row sums of a centred linear kernel vanish: off the diagonal they are minus the diagonal.
        if unbiased:
            products = [p - a @ b for p, (a, b) in zip(products, _pairs(*rows), strict=False)]
        sums = -rows if unbiased else torch.zeros_like(rows)
    else:
        shifts = [_mean_entry(side) for side in sides]
        sums = x.new_zeros((2, n))
        products = [x.new_zeros(()) for _ in range(3 if own else 1)]
        for first, last in _blocks(n):
            blocks = [
                _gaussian_block(side, first, last, shift, unbiased)
                for side, shift in zip(sides, shifts, strict=True)
            ]
            for i, block in enumerate(blocks):
                sums[i, first:last] = block.sum(dim=1)
            for product, (k, l) in zip(products, _pairs(*blocks), strict=False):  # noqa: E741
                product += (k * l).sum()
        rows, magnitudes = sums, products
    terms = [_hsic(p, a, b, unbiased) for p, (a, b) in zip(products, _pairs(*sums), strict=False)]
    for i, name in enumerate("xy" if own else ""):
        degenerate = ~(terms[1 + i] > DEGENERATE * magnitudes[1 + i] / n**2)
        if x.device.type == "cpu" and degenerate:
            warn(
                f"{name} is constant (shape {tuple((x, y)[i].shape)}): its CKA is 0 / 0, NaN, and "
                "so is its gradient."
            )
        terms[1 + i] = torch.where(degenerate, torch.nan, terms[1 + i])
    return torch.stack(terms + [terms[0].new_zeros(())] * (3 - len(terms))), rows


@hsic_terms.register_fake
def _(x, y, kernel, unbiased, own):
    return x.new_empty((3,)), x.new_empty((2, x.shape[0]))


@torch.library.custom_op("mmkernels::hsic_terms_backward", mutates_args=())
def hsic_terms_backward(
    x: Tensor, y: Tensor, rows: Tensor, grad: Tensor, kernel: str, unbiased: bool
) -> tuple[Tensor, Tensor]:
    """The gradients by x and y of the terms' sum weighted by ``grad``."""
    sides = [_centred(name, z) for name, z in (("x", x), ("y", y))]
    # What multiplies M(K) and M(L) in the derivative by K, and in that by L.
    weights = ((2 * grad[1], grad[0]), (grad[0], 2 * grad[2]))
    through = _linear_gradient if kernel == "linear" else _gaussian_gradient
    return through(sides, rows, weights, unbiased)


@hsic_terms_backward.register_fake
def _(x, y, rows, grad, kernel, unbiased):
    return torch.empty_like(x), torch.empty_like(y)


def _setup_context(ctx: Any, inputs: Any, output: Any) -> None:
    x, y, ctx.kernel, ctx.unbiased, _ = inputs
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(x, y, output[1])


def _backward(ctx: Any, grad: Tensor, _: Any) -> tuple[Tensor | None, ...]:
    x, y, rows = ctx.saved_tensors
    grads = hsic_terms_backward(x, y, rows, grad, ctx.kernel, ctx.unbiased)
    wanted = ctx.needs_input_grad
    return *(g if w else None for g, w in zip(grads, wanted, strict=False)), None, None, None


hsic_terms.register_autograd(_backward, setup_context=_setup_context)


def _linear_gradient(
    sides: list[Tensor], norms: Tensor, weights: Any, unbiased: bool
) -> tuple[Tensor, Tensor]:
    """2 M(.) X from products of features: M(L) X = Y (Y' X) less terms of the diagonal."""
    n = len(sides[0])
    gradients = []
    for side, pair in zip(sides, weights, strict=True):
        total = torch.zeros_like(side)
        for other, squares, weight in zip(sides, norms, pair, strict=True):
            product = _product_with(other, side)
            if unbiased:
                diagonal = squares.sum() / ((n - 1) * (n - 2)) - n / (n - 2) * squares
                product += diagonal[:, None] * side
            total += 2 * weight * product / _pair_count(n, unbiased)
        gradients.append(total - total.mean(dim=0))
    return tuple(gradients)


def _gaussian_gradient(
    sides: list[Tensor], sums: Tensor, weights: Any, unbiased: bool
) -> tuple[Tensor, Tensor]:
    """-2 sum over j of W_ij (x_i - x_j), W = M(.) o K, a block of rows at a time."""
    n = len(sides[0])
    shifts = [_mean_entry(side) for side in sides]
    gradients = [torch.empty_like(side) for side in sides]
    for first, last in _blocks(n):
        blocks = [
            _gaussian_block(side, first, last, shift, unbiased)
            for side, shift in zip(sides, shifts, strict=True)
        ]
        centred = [
            _centred_block(block, row, first, last, unbiased)
            for block, row in zip(blocks, sums, strict=True)
        ]
        for side, block, shift, pair, out in zip(
            sides, blocks, shifts, weights, gradients, strict=True
        ):
            w = (pair[0] * centred[0] + pair[1] * centred[1]) / _pair_count(n, unbiased)
            w *= block + (1 + shift)
            # A row's distance to itself is 0 whatever the rows are.
            w.diagonal(first).zero_()
            out[first:last] = 2 * (w @ side - w.sum(dim=1, keepdim=True) * side[first:last])
    return tuple(gradients)


def _pairs(a: Any, b: Any) -> list[tuple[Any, Any]]:
    return [(a, b), (a, a), (b, b)]


def _pair_count(n: int, unbiased: bool) -> float:
    return n * (n - 3) if unbiased else (n - 1) ** 2


def _blocks(n: int) -> Iterator[tuple[int, int]]:
    step = max(1, _BLOCK_ENTRIES // n)
    return ((first, min(n, first + step)) for first in range(0, n, step))


def _centred(name: str, x: Tensor) -> Tensor:
    finite = torch.isfinite(x).all(dim=1)
    if not finite.all():
        raise ValueError(
            f"{name} has NaN or infinity in row {int((~finite).nonzero()[0])} (shape "
            f"{tuple(x.shape)}); all values must be finite."
        )
    # Differences to one of the rows first: equal rows then are at exactly 0.
    x = x - x[:1]
    return x - x.mean(dim=0)


def _squared_product(x: Tensor, y: Tensor) -> Tensor:
    """|X' Y|^2, over features or over pairs of samples, whichever is less work."""
    n, features, samples = len(x), 2 * x.shape[1] * y.shape[1], x.shape[1] + y.shape[1]
    if features <= n * samples:
        return (x.T @ y).square().sum()
    return ((x @ x.T) * (y @ y.T)).sum()


def _product_with(y: Tensor, x: Tensor) -> Tensor:
    """Y Y' X."""
    n, features, samples = len(x), 2 * x.shape[1] * y.shape[1], x.shape[1] + y.shape[1]
    return y @ (y.T @ x) if features <= n * samples else (y @ y.T) @ x


def _gaussian_block(x: Tensor, first: int, last: int, shift: Tensor, unbiased: bool) -> Tensor:
    """Rows first to last of exp(-|x_i - x_j|^2 / 2) - 1 - shift; unbiased: zero on the diagonal.

    The constants change no estimate, and keep the digits of kernels whose entries are nearly equal.
    """
    block = _gaussian_rows(x, torch.arange(first, last, device=x.device))
    block -= shift
    if unbiased:
        block.diagonal(first).zero_()
    return block


def _gaussian_rows(x: Tensor, rows: Tensor) -> Tensor:
    half = x.square().sum(dim=1) / 2
    exponent = x[rows] @ x.T
    exponent -= half[rows, None]
    exponent -= half
    exponent.clamp_(max=0)
    exponent[torch.arange(len(rows), device=x.device), rows] = 0
    return exponent.expm1_()


def _mean_entry(x: Tensor) -> Tensor:
    """About the mean of the Gaussian kernel less 1, from a few of its rows."""
    return _gaussian_rows(x, torch.arange(0, len(x), -(-len(x) // 32), device=x.device)).mean()


def _centred_block(block: Tensor, sums: Tensor, first: int, last: int, unbiased: bool) -> Tensor:
    """M of a kernel matrix, its rows first to last: less its row and column means, U-centred."""
    n = len(sums)
    by, all_by = (n - 2, (n - 1) * (n - 2)) if unbiased else (n, n**2)
    return block - sums[first:last, None] / by - sums / by + sums.sum() / all_by


def _hsic(product: Tensor, a: Tensor, b: Tensor, unbiased: bool) -> Tensor:
    n = len(a)
    by, all_by = (n - 2, (n - 1) * (n - 2)) if unbiased else (n, n**2)
    total = product - 2 / by * (a @ b) + a.sum() * b.sum() / all_by
    return total / _pair_count(n, unbiased)
