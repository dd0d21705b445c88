"""Distance correlation, from sums over pairs; no n x n array."""

from __future__ import annotations

import numpy as np

from ._arrays import Array
from ._hsic import alignments, paired_grams
from ._kernels import Kernel
from .gram import Gram


def distance_correlation(x: Array | Gram, y: Array | Gram, *, unbiased: bool = False) -> Array:
    """Distance correlation: 0 only for independent x and y, 1 for similar ones, as n grows.

    With A and B the matrices of Euclidean distances, R^2 = <A, B> / sqrt(<A, A> <B, B>), and

    - ``unbiased=False``: the correlation R_n itself, the root, of matrices that are centred twice,
      <A, B> = sum of (H A H)_ij (H B H)_ij; between 0 and 1. Szekely, Rizzo and Bakirov 2007,
      definition 5. It tends to 1 as d grows, whatever x and y are.
    - ``unbiased=True``: the bias-corrected square R*_n, of U-centred matrices; about 0 for
      independent x and y, where it can be negative: between -1 and 1. It is not clamped, and it
      is the square: no root is taken. Szekely and Rizzo 2013, section 2; n >= 4.

    These are the biased and the unbiased :func:`cka` of the kernel "distance", the first under a
    root.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays, rows paired, or what :func:`prepare_gram` made of them
        with ``kernel="distance"``.

    Returns a float64 scalar of the library of ``x``; NaN, with a warning, where a side is constant
    (0 / 0). Tensors are read as constants: the score has no gradient. Values beyond some 1e150
    raise ValueError, as their squares overflow. A square that rounding leaves below 0 where the
    true one, which never is, is 0 counts as 0. Cost: n^2 (d_x + d_y) / 2 multiply-adds; memory
    4 n (d_x + d_y) bytes.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(float(distance_correlation(x, 2 * x + 5)), 6)
    1.0
    """
    estimator = "song" if unbiased else "gretton"
    grams = paired_grams(x, y, Kernel("distance"), estimator)
    for gram in grams:
        if gram.kernel != "distance":
            raise ValueError(
                f"{gram.name} is {gram!r}; distance correlation takes arrays, or Gram objects "
                "with kernel='distance'."
            )
    ratio = alignments(grams, [0], [1], estimator, "distance correlation")[0, 0]
    return grams[0].wrap(np.float64(ratio if unbiased else np.sqrt(max(ratio, 0.0))))
