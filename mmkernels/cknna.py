"""Alignment of kernels where both have neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import Array, Input
from ._checks import at_least, neighbor_count, one_of
from ._features import neighbor_features
from ._native import _cpu
from ._neighbor_lists import paired_arrays
from ._warn import warn


def cknna(
    x: Array, y: Array, *, k: int = 10, variant: str = "paper", unbiased: bool = True
) -> Array:
    """Centred kernel nearest-neighbour alignment: CKA of the pairs that are neighbours in both.

    align(x, y) / sqrt(align(x, x) align(y, y)), with kernels K_ij = <x_i, x_j> and
    L_ij = <y_i, y_j>, and neighbours the k largest K_ij (and L_ij) of row i. Two definitions are in
    use, and differ by a tenth or more:

    - "paper", Huh et al. 2024 (Platonic Representation Hypothesis), appendix A: align is the sum,
      over the j that are neighbours of i in both, of (K_ij - mean_l K_il) (L_ij - mean_l L_il).
      Between -1 and 1 (up to rounding), symmetric, 1 for a representation and itself.
    - "reference", what the code of that paper computes: align is HSIC of the kernels as they are,
      not centred, with all entries set to 0 that are not neighbours in both. ``unbiased``: the
      U-statistic of Song et al. 2012, equation 5; else tr(K H L H), where a sample is a candidate
      for its own list, and mostly heads it, so that unrelated representations score high. The
      masked kernels are not symmetric and the code does not make them so: K_ij meets L_ji, x and y
      may not change places, and nothing bounds the score by 1. The code adds 1e-6 to the
      denominator; nothing is added here.

    Rotations and scalings of either side change nothing; shifts do. Normalise rows first to compare
    with published values.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays, rows paired; n >= 4 for the unbiased reference. Not
        :class:`Neighbors`, which may have been searched by another kernel.
    k : neighbours per row, at most n - 1 (n where a sample may be its own).
    variant : "paper" or "reference".
    unbiased : of "reference" only.

    Returns a float64 scalar of the library of ``x``: 0 for "paper" where no pair is neighbours in
    both; NaN with a warning where the alignment of x or y with itself is not positive (constant
    features; for the U-statistic, also few neighbours that are not mutual). Cost: two :func:`knn`,
    n k (d_x + d_y) multiply-adds in float64, and O(n k log k); memory O(n k). Raises ValueError for
    values beyond some 1e150, whose squares overflow.

    >>> x = np.array([[1.0, 0.0], [2.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    >>> float(cknna(x, -3 * x[:, ::-1], k=2))
    1.0
    """
    one_of("variant", variant, ("paper", "reference"))
    if variant == "paper" and not unbiased:
        raise ValueError('unbiased=False is a form of variant="reference"; "paper" has only one.')
    sides = paired_arrays(x, y, "cknna needs the array, for the values of its kernel")
    first = sides[0]
    if variant == "reference" and unbiased:
        at_least(first.shape[0], 4, first.name, first.shape, "An unbiased estimate")
    kernels = [_sparse_kernel(side, k, variant, unbiased) for side in sides]

    def align(a: Any, b: Any) -> float:
        return a.shared_product(b) if variant == "paper" else a.masked_hsic(b, unbiased)

    own = [align(kernel, kernel) for kernel in kernels]
    for side, value in zip(sides, own, strict=True):
        if not value > 0:
            warn(
                f"The alignment of {side.name} (shape {side.shape}) with itself is not positive: "
                "its CKNNA is not defined, NaN."
            )
    defined = min(own) > 0
    return first.wrap(np.float64(align(*kernels) / np.sqrt(own[0] * own[1]) if defined else np.nan))


def _sparse_kernel(side: Input, k: int, variant: str, unbiased: bool) -> Any:
    """The kernel at the k neighbours of each row, centred for the paper's definition."""
    n = side.shape[0]
    at_least(n, 2, side.name, side.shape, "A nearest neighbour")
    k = neighbor_count(k, n - 1 if unbiased else n, side.name, side.shape)
    searched = neighbor_features(side, "ip")
    queries = None if unbiased else neighbor_features(side, "ip", searched)
    lists = _cpu.knn(searched, queries, "ip", k, scored=False)[0]
    centred = _cpu.Features(side.values, side.type, False, False)
    return _cpu.SparseKernel(centred, lists, variant == "paper")
