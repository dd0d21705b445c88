"""How alike two Gram matrices are without centring, from products of features or of samples."""

from __future__ import annotations

import numpy as np

from ._arrays import Array
from ._hsic import alignments, hsic_values, paired_grams
from ._kernels import LINEAR, Kernel
from ._warn import warn
from .gram import Gram


def cmd(x: Array | Gram, y: Array | Gram, *, centered: bool = False) -> Array:
    """Similarity of the Gram matrices of x and of y, under the name "correlation matrix distance".

    tr(K L) / (|K|_F |L|_F) for K = x x' and L = y y', which is |x'y|_F^2 / (|x'x|_F |y'y|_F): a
    cosine of two matrices, between 0 and 1, and 1 for equal ones. Against its name it is a
    similarity; the correlation matrix distance of Herdin et al. 2005 is 1 less this.

    Features are taken as given: with an offset, most of what two representations share is that
    they have a mean, and the score is near 1. ``centered=True`` takes the means of the features
    away first and is :func:`cka` with its biased linear estimate.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays, rows paired, or :class:`Gram` objects whose kernel is
        "linear" or "cosine". The form that compares the d x d matrices x'x and y'y of features
        of equal number is ``cmd(x.T, y.T)``.

    Returns a float64 scalar of the library of ``x``; NaN, with a warning, where a side is zero
    (with ``centered``: constant) and the quotient would be 0 / 0. Cost: as :func:`hsic` with the
    linear kernel.

    >>> round(float(cmd(np.eye(5), -2 * np.eye(5))), 6)
    1.0
    """
    grams = paired_grams(x, y, Kernel("linear"), "gretton")
    for gram in grams:
        if gram.kernel not in LINEAR:
            raise ValueError(
                f"{gram.name} is {gram!r}; cmd takes arrays, or Gram objects with "
                "kernel='linear' or kernel='cosine'."
            )
    if centered:
        return grams[0].wrap(np.float64(alignments(grams, [0], [1], "gretton", "CMD")[0, 0]))
    return grams[0].wrap(np.float64(_uncentered(grams)))


def _uncentered(grams: list[Gram]) -> float:
    """With rows m + c_i, K_ij = c_i.c_j + m.c_i + m.c_j + m.m, and the sum of all c_i is 0.

    So <K, L> = <C, D> + 2 n sum_i (m.c_i)(p.d_i) + n^2 (m.m)(p.p), where C and D are centred.
    Everything is relative to the larger of the scale of the centred rows and |m|.
    """
    n = grams[0].shape[0]
    pairs = [(0, 0), (1, 1), (0, 1)]
    centred = [value * (n - 1) ** 2 for value, _ in hsic_values(grams, pairs, "gretton")]
    sizes, means, products = [], [], []
    for gram in grams:
        mean = gram.features.scale * gram.features.centre_norm
        size = max(1.0, mean)
        sizes.append(size)
        means.append(mean / size)
        products.append(gram.features.along_centre() * (mean / size / size))
    own_x, own_y, cross = (
        centre / sizes[a] ** 2 / sizes[b] ** 2
        + 2 * n * np.sum(products[a] * products[b])
        + (n * means[a] * means[b]) ** 2
        for centre, (a, b) in zip(centred, pairs, strict=True)
    )
    for gram, own in zip(grams, (own_x, own_y), strict=True):
        if not own > 0:
            warn(f"{gram.name} is zero (shape {gram.shape}): its CMD is 0 / 0, NaN.")
            return np.nan
    return cross / (np.sqrt(own_x) * np.sqrt(own_y))
