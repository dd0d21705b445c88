"""HSIC and CKA of kernels linear in features, by products of features, on a device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._arrays import Array, same_samples
from .._checks import at_least, one_of
from .._hsic import estimator_named
from .._kernels import LINEAR, kernel_named
from ._arrays import DeviceInput, device_inputs
from ._call import Call

PRECISIONS = ("fast", "high", "exact")


def hsic(
    x: Array,
    y: Array,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
    precision: str = "exact",
) -> Array:
    """:func:`mmkernels.hsic` of arrays in CUDA memory, for the kernels "linear" and "cosine".

    precision: values are split into 1 ("fast"), 2 ("high") or 3 ("exact") parts of 8 bits; all 24
    of "exact" are those of float32, and TF32 is never used. Sums are float64, and the same from run
    to run. Where one sample outweighs all others, so that an estimate without the diagonal would
    lose its digits, the products are computed again in float64.

    NaN where rows cannot be used: see :func:`mmkernels.cuda.check`. Nothing is warned of. Cost: n
    d_x d_y multiply-adds, 1, 3 or 6 times; memory 2, 4 or 6 n (d_x + d_y) bytes (widths rounded up
    to a multiple of 128) and at most 132 MiB.
    """
    return _pair_score("hsic", x, y, kernel, sigma, unbiased, estimator, precision)


def cka(
    x: Array,
    y: Array,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
    precision: str = "exact",
) -> Array:
    """:func:`mmkernels.cka` on a device; all else as of :func:`hsic`.

    NaN where a side is constant, too. Cost: n (d_x + d_y)^2 / 2 multiply-adds, 1, 3 or 6 times.
    """
    return _pair_score("cka", x, y, kernel, sigma, unbiased, estimator, precision)


def cka_matrix(
    xs: Sequence[Array],
    ys: Sequence[Array] | None = None,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
    precision: str = "exact",
) -> Array:
    """:func:`mmkernels.cka_matrix` on a device; all else as of :func:`hsic`.

    Returns a (len(xs), len(ys)) float64 array there. Each representation is read and packed once.
    Cost: n (sum of widths)^2 / 2 multiply-adds, 1, 3 or 6 times.
    """
    named = {f"xs[{i}]": x for i, x in enumerate(xs)}
    lefts = len(named)
    named |= {f"ys[{i}]": y for i, y in enumerate(ys if ys is not None else [])}
    if not lefts or (ys is not None and len(named) == lefts):
        raise ValueError("xs and ys must each hold at least one representation.")
    estimator = estimator_named(estimator, unbiased)
    unit = _is_unit(kernel, sigma)
    sides = device_inputs(**named)
    rights = len(sides) - lefts if ys is not None else lefts
    return linear_scores(
        "cka", sides, lefts, (lefts, rights), unit=unit, estimator=estimator, precision=precision
    )


def linear_scores(
    score: str,
    sides: list[DeviceInput],
    lefts: int,
    shape: tuple[int, ...],
    *,
    unit: bool,
    estimator: str,
    precision: str,
) -> Array:
    """Scores of the first ``lefts`` sides with all others; of all with all where there are none."""
    one_of("precision", precision, PRECISIONS)
    same_samples(*sides)
    _require_samples(sides[0], estimator)
    call = Call(score, *sides)
    plan = ([side.array for side in sides], lefts, unit, precision, score)
    scores = call.empty(shape, "float64")
    memory = call.workspace(call.module.alignment_by_features_workspace(*plan))
    call.module.alignment_by_features(*plan, estimator, call.pointer(scores), memory, call.stream)
    return scores


def _pair_score(
    score: str,
    x: Array,
    y: Array,
    kernel: str,
    sigma: Any,
    unbiased: bool | None,
    estimator: str | None,
    precision: str,
) -> Array:
    estimator = estimator_named(estimator, unbiased)
    unit = _is_unit(kernel, sigma)
    sides = device_inputs(x=x, y=y)
    if y is x:
        sides = sides[:1]
    return linear_scores(score, sides, 1, (), unit=unit, estimator=estimator, precision=precision)


def _is_unit(kernel: str, sigma: Any) -> bool:
    """Whether rows are divided by their norms."""
    name = kernel_named(kernel, sigma).name
    if name not in LINEAR:
        raise ValueError(
            f"kernel is {name!r}; on a device it must be one of {', '.join(map(repr, LINEAR))}."
        )
    return name == "cosine"


def _require_samples(side: DeviceInput, estimator: str) -> None:
    if estimator == "gretton":
        return at_least(side.shape[0], 2, side.name, side.shape, "HSIC")
    what = "An unbiased estimate" if estimator == "song" else "The estimator 'lange'"
    return at_least(side.shape[0], 4, side.name, side.shape, what)
