"""HSIC and CKA of rows in CUDA memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._arrays import Array
from .._hsic import estimator_named, require_samples
from .._kernels import Kernel, kernel_named
from ._arrays import DeviceInput, device_inputs, on_one_device
from ._call import Call
from ._linear import linear_scores
from .gram import DeviceGram, as_device_gram, same_precision


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
    of samples met once; or n d_x d_y for linear and cosine kernels where that is less. Memory: that
    of two prepared matrices, 33 bytes per row and 1 MiB, or of their rows, packed again, and 132
    MiB.
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
    cannot be used and where the quotient would be 0 / 0. As on the CPU, what float32 has lost is
    computed again in float64 ("exact"; of products of features always): estimates without the
    diagonal in which one sample outweighs all others, and kernels so wide that all values are
    within 1e-25 of one another. That costs up to 3 n^2 (d_x + d_y) multiply-adds of float64; else
    cost and memory are as of :func:`hsic`; n (d_x + d_y)^2 / 2 multiply-adds of features.
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
    MiB and 16 n bytes for each, and 10 KiB and n / 8 bytes for each pair.
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
    distinct, places = _distinct(list(named.values()))
    names = list(named)
    sides = _sides({names[places.index(i)]: x for i, x in enumerate(distinct)}, estimator)
    each = list(range(len(sides)))
    to_itself = [places[i] for i in left] == [places[i] for i in right] == each
    if to_itself or places == each:  # none is there twice
        scores = linear_scores(
            "cka", sides, len(left), (len(left), len(right)), chosen.name, estimator, precision
        )
        if scores is not None:
            return scores
    grams = _prepared(sides, chosen, precision)
    scores, call, plan = _planned("cka_matrix", grams, (len(left), len(right)))
    indices = [places[i] for i in left], [places[i] for i in right]
    call.module.cka_matrix(plan[0], *indices, estimator, *plan[1:])
    return scores


def _pair_score(
    score: str, x: Any, y: Any, kernel: Kernel, estimator: str, precision: str
) -> Array:
    sides = _sides({"x": x} if y is x else {"x": x, "y": y}, estimator)
    by_features = linear_scores(score, sides, 1, (), kernel.name, estimator, precision)
    if by_features is not None:
        return by_features
    grams = _prepared(sides, kernel, precision)
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


def _sides(named: dict[str, Any], estimator: str) -> list[DeviceInput | DeviceGram]:
    """What is to be compared, checked before anything runs."""
    inputs = device_inputs(**named)
    require_samples(inputs, estimator)
    return inputs


def _prepared(
    sides: list[DeviceInput | DeviceGram], kernel: Kernel, precision: str
) -> list[DeviceGram]:
    grams = [as_device_gram(side.name, side, kernel, precision) for side in sides]
    on_one_device(*grams)
    same_precision(*grams)
    return grams


def _distinct(objects: list[Any]) -> tuple[list[Any], list[int]]:
    """Each object once, in order, and where each of those given is among them."""
    found: dict[int, int] = {}
    places = [found.setdefault(id(x), len(found)) for x in objects]
    return [objects[places.index(i)] for i in range(len(found))], places
