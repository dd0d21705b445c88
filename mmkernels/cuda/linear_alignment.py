"""HSIC and CKA of kernels linear in features, by products of features."""

from __future__ import annotations

from .._arrays import Array
from .._kernels import LINEAR, Kernel
from ._arrays import DeviceInput
from ._call import Call


def features_are_cheaper(score: str, kernel: Kernel, sides: list[DeviceInput]) -> bool:
    """Compare multiply-adds with those of kernel tiles; only linear kernels have a choice."""
    if kernel.name not in LINEAR:
        return False
    n, widths = sides[0].shape[0], [side.shape[1] for side in sides]
    if score == "hsic" and len(sides) == 2:
        return 2 * widths[0] * widths[1] < n * sum(widths)
    return sum(widths) < n


def linear_scores(
    score: str,
    kernel: Kernel,
    sides: list[DeviceInput],
    lefts: int,
    shape: tuple[int, ...],
    estimator: str,
    precision: str,
) -> Array:
    """Scores of the first ``lefts`` sides with all others; of all with all where there are none.

    Where one sample outweighs all others, so that an estimate without the diagonal would lose its
    digits, the products are computed again in float64: by kernels that otherwise end at once.
    Cost: n (sum of widths)^2 / 2 multiply-adds ("hsic": n d_x d_y), by precision 1, 3 or 6 times;
    memory 2, 4 or 6 n d bytes for each (d rounded up to 128) and at most 132 MiB.
    """
    call = Call(score, *sides)
    arrays, unit = [side.array for side in sides], kernel.name == "cosine"
    plan = (arrays, lefts, unit, precision, score)
    scores = call.empty(shape, "float64")
    memory = call.workspace(call.module.alignment_by_features_workspace(*plan))
    call.module.alignment_by_features(*plan, estimator, call.pointer(scores), memory, call.stream)
    return scores
