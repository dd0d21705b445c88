"""HSIC and CKA of rows in CUDA memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._arrays import Array
from .._checks import one_of
from .._hsic import estimator_named, require_samples
from .._kernels import Kernel, kernel_named
from ._arrays import device_inputs, on_one_device
from ._call import Call
from .gram import PRECISIONS, DeviceGram, as_device_gram, same_precision
from .linear_alignment import features_are_cheaper, linear_scores


def hsic(
    x: Array | DeviceGram,
    y: Array | DeviceGram,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
    precision: str = "exact",
) -> Array:
    """:func:`mmkernels.hsic` of rows in CUDA memory, on the current stream of their library.

    precision is as in :func:`mmkernels.cuda.prepare_gram`. NaN where the rows cannot be used. Bits
    are the same from run to run.

    Cost: n^2 (d_x + d_y) / 2 multiply-adds on tensor cores ("exact": six times as many), each pair
    of samples met once, or n d_x d_y for linear and cosine kernels where that is less. Memory: that
    of two prepared matrices and 16 bytes per row, or 132 MiB.
    """
    estimator = estimator_named(estimator, unbiased)
    return _pair_score("hsic", x, y, kernel_named(kernel, sigma), estimator, precision)


def cka(
    x: Array | DeviceGram,
    y: Array | DeviceGram,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
    precision: str = "exact",
) -> Array:
    """:func:`mmkernels.cka` of rows in CUDA memory, on the current stream of their library.

    precision is as in :func:`mmkernels.cuda.prepare_gram`. NaN, without a warning, where the rows
    cannot be used and where the quotient would be 0 / 0. As on the CPU, "exact" computes again in
    float64 what float32 has lost: estimates without the diagonal in which one sample outweighs all
    others, and kernels so wide that all values are within 1e-25 of one another; that costs up to
    3 n^2 (d_x + d_y) multiply-adds of float64. Memory and cost else as of :func:`hsic`, but
    n (d_x + d_y)^2 / 2 by products of features.
    """
    estimator = estimator_named(estimator, unbiased)
    return _pair_score("cka", x, y, kernel_named(kernel, sigma), estimator, precision)


def cka_matrix(
    xs: Sequence[Array | DeviceGram],
    ys: Sequence[Array | DeviceGram] | None = None,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
    precision: str = "exact",
) -> Array:
    """:func:`mmkernels.cka_matrix` of rows in CUDA memory: one pass for all representations.

    precision is as in :func:`mmkernels.cuda.prepare_gram`; NaN as in :func:`cka`. Each kernel tile
    is computed once, whatever the number of pairs. Cost: n^2 sum(d) / 2 multiply-adds on tensor
    cores ("exact": six times as many) and n^2 / 2 for each pair of representations, or, for linear
    and cosine kernels where that is less, n sum(d)^2 / 2. Memory: that of all prepared matrices, 10
    MiB and 8 n bytes for each, and 10 KiB for each pair.
    """
    estimator = estimator_named(estimator, unbiased)
    chosen = kernel_named(kernel, sigma)
    named = {f"xs[{i}]": x for i, x in enumerate(xs)}
    left = list(range(len(named)))
    right = left
    if ys is not None:
        named.update({f"ys[{i}]": y for i, y in enumerate(ys)})
        right = list(range(len(left), len(named)))
    if not left or not right:
        raise ValueError("xs and ys must each hold at least one representation.")
    sides = _checked(named, estimator, precision)
    if _by_features("cka", chosen, sides):
        shape = (len(left), len(right))
        return linear_scores("cka", chosen, sides, len(left), shape, estimator, precision)
    distinct, places = _distinct(list(named.values()))
    names = list(named)
    grams = _prepared(
        {names[places.index(i)]: x for i, x in enumerate(distinct)}, chosen, estimator, precision
    )
    scores, call, plan = _planned("cka_matrix", grams, (len(left), len(right)))
    sides = [places[i] for i in left], [places[i] for i in right]
    call.module.cka_matrix(plan[0], *sides, estimator, *plan[1:])
    return scores


def _pair_score(
    score: str, x: Any, y: Any, kernel: Kernel, estimator: str, precision: str
) -> Array:
    named = {"x": x} if y is x else {"x": x, "y": y}
    sides = _checked(named, estimator, precision)
    if _by_features(score, kernel, sides):
        return linear_scores(score, kernel, sides, 1, (), estimator, precision)
    grams = _prepared(named, kernel, estimator, precision)
    out, call, plan = _planned(score, grams, ())
    if score == "hsic":
        call.module.hsic(plan[0], estimator, *plan[1:])
    else:
        call.module.cka_matrix(plan[0], [0], [len(grams) - 1], estimator, *plan[1:])
    return out


def _planned(
    what: str, grams: list[DeviceGram], shape: tuple[int, ...]
) -> tuple[Array, Call, tuple[Any, ...]]:
    """The scores to be, the call, and (matrices, address of the scores, workspace, stream)."""
    call = Call(what, *grams)
    scores = call.empty(shape, "float64")
    matrices = [gram.matrix for gram in grams]
    memory = call.workspace(call.module.alignment_workspace(matrices))
    return scores, call, (matrices, call.pointer(scores), memory, call.stream)


def _checked(named: dict[str, Any], estimator: str, precision: str) -> list[Any]:
    """Inputs and prepared matrices that can be compared; nothing runs before."""
    one_of("precision", precision, PRECISIONS)
    sides = device_inputs(**named)
    require_samples(sides, estimator)
    return sides


def _by_features(score: str, kernel: Kernel, sides: list[Any]) -> bool:
    prepared = any(isinstance(side, DeviceGram) for side in sides)
    return not prepared and features_are_cheaper(score, kernel, sides)


def _prepared(
    named: dict[str, Any], kernel: Kernel, estimator: str, precision: str
) -> list[DeviceGram]:
    inputs = _checked(named, estimator, precision)
    grams = [
        as_device_gram(name, x, kernel, precision) for name, x in zip(named, inputs, strict=True)
    ]
    on_one_device(*grams)
    same_precision(*grams)
    return grams


def _distinct(objects: list[Any]) -> tuple[list[Any], list[int]]:
    """Each object once, in order, and where each of those given is among them."""
    found: dict[int, int] = {}
    places = [found.setdefault(id(x), len(found)) for x in objects]
    return [objects[places.index(i)] for i in range(len(found))], places
