"""HSIC and CKA of kernels linear in features by products of features, where these are cheaper."""

from __future__ import annotations

from typing import Any

from .._arrays import Array
from .._checks import one_of
from .._kernels import LINEAR
from ._arrays import DeviceInput
from ._call import Call
from .gram import PRECISIONS, DeviceGram


def linear_scores(
    score: str,
    sides: list[Any],
    lefts: int,
    shape: tuple[int, ...],
    kernel: str,
    estimator: str,
    precision: str,
) -> Array | None:
    """Scores of the first ``lefts`` sides with the others; of all with all if there are no others.

    None where kernel matrices are needed or take fewer multiplications. Memory: 2, 4 or 6 bytes (by
    precision) for each of the n values of a feature, widths rounded up to a multiple of 128, and up
    to 132 MiB.
    """
    rows = _rows(sides, kernel, precision)
    if rows is None:
        return None
    arrays, kernel, precision = rows
    if not _are_cheaper(score, [side.shape for side in arrays], lefts):
        return None
    call = Call(score, *sides)
    scores = call.empty(shape, "float64")
    path = call.module.chosen_path(call.device)
    plan = ([side.array for side in arrays], lefts, kernel == "cosine", precision, score, path)
    memory = call.workspace(call.module.alignment_by_features_workspace(*plan))
    call.module.alignment_by_features(*plan, estimator, call.pointer(scores), memory, call.stream)
    return scores


def _rows(
    sides: list[Any], kernel: str, precision: str
) -> tuple[list[DeviceInput], str, str] | None:
    """The arrays, and the kernel and precision, where all have the same, and it is linear."""
    one_of("precision", precision, PRECISIONS)
    grams = [side for side in sides if isinstance(side, DeviceGram)]
    if grams and len(grams) == len(sides):
        kernel, precision = grams[0].kernel, grams[0].precision
    if kernel not in LINEAR:
        return None
    if any((gram.kernel, gram.precision) != (kernel, precision) for gram in grams):
        return None
    arrays = [side.rows if isinstance(side, DeviceGram) else side for side in sides]
    return arrays, kernel, precision


def _are_cheaper(score: str, shapes: list[tuple[int, int]], lefts: int) -> bool:
    """Compare multiply-adds, of features in whole tiles."""
    n = shapes[0][0]
    widths = [-(-shape[1] // 128) * 128 for shape in shapes]
    left, right = sum(widths[:lefts]), sum(widths[lefts:])
    cross, pairs = left * right, lefts * (len(shapes) - lefts)
    if score == "cka" or not right:
        cross += sum(width**2 for width in widths) / 2
        pairs += len(shapes)
    if not right:  # all with all
        cross = left**2 / 2
        pairs = len(shapes) ** 2 / 2
    return cross < n / 2 * (left + right + pairs)
