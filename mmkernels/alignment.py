"""HSIC and CKA, from sums over pairs; no n x n array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._arrays import Array
from ._dispatch import for_devices
from ._gradients import differentiable, require_reverse_mode, wants_gradient
from ._hsic import alignments, estimator_named, hsic_values, paired_grams, require_samples
from ._kernels import kernel_named
from .gram import Gram, as_gram


@for_devices
def hsic(
    x: Array | Gram,
    y: Array | Gram,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
) -> Array:
    """Hilbert-Schmidt independence criterion: 0 in the mean for independent x and y.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays, rows paired, or :class:`Gram` objects.
    kernel, sigma : as in :func:`prepare_gram`, which also takes the parameters of the polynomial.
    unbiased : True, the default, is the estimator "song", False is "gretton".
    estimator : instead of ``unbiased``, which of the three by the name of its authors.

        - "gretton": tr(K H L H) / (n-1)^2. Gretton et al. 2005, equation 9. Biased: grows with
          d / n for independent x and y.
        - "song": [sum K~ o L~ + sum K~ sum L~ / ((n-1)(n-2)) - 2 1'K~ L~1 / (n-2)] / (n (n-3)),
          K~ and L~ without diagonals. Song et al. 2012, equation 5. Unbiased, so it can be
          negative; it is not clamped. An inner product of matrices that are centred by other
          divisors and have no diagonal, so that its CKA is a cosine (Szekely and Rizzo 2014).
        - "lange": sum over i != j of (H K H)_ij (H L H)_ij / (n (n-3)). Lange et al. 2023. A bias
          of O(1 / n^2); often mislabelled as unbiased. Its CKA is a cosine too.

    Where a tensor requires a gradient (and PyTorch is to record it) the result has one: see
    :func:`mmkernels.torch.hsic`.

    Returns a float64 scalar of the library of ``x``. Cost: n^2 (d_x + d_y) / 2 multiply-adds, or
    n d_x d_y for linear and cosine kernels where that is less; memory 4 n (d_x + d_y) bytes.

    Raises ValueError for n < 2 ("gretton") or n < 4, for values beyond some 1e150, whose squares
    overflow (but for the cosine kernel), for a ``kernel`` or ``sigma`` that is none, and where
    ``unbiased`` and ``estimator`` are both given and disagree.

    >>> round(float(hsic(np.arange(5.0)[:, None], np.arange(5.0)[:, None])), 6)
    5.166667
    """
    estimator = estimator_named(estimator, unbiased)
    require_reverse_mode(x=x, y=y)
    if wants_gradient(x, y):
        return differentiable("hsic", x, y, kernel=kernel, sigma=sigma, estimator=estimator)
    grams = paired_grams(x, y, kernel_named(kernel, sigma), estimator)
    [(value, _)] = hsic_values(grams, [(0, 1)], estimator)
    # One unit at a time: their product can overflow where the quotient does not.
    return grams[0].wrap(np.float64(value) / grams[0].matrix.unit / grams[1].matrix.unit)


@for_devices
def cka(
    x: Array | Gram,
    y: Array | Gram,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
) -> Array:
    """Centred kernel alignment: HSIC(x, y) / sqrt(HSIC(x, x) HSIC(y, y)).

    1 for equal representations up to rotation, scale (all kernels but "polynomial" and those with
    a number as sigma) and shift (all but "cosine" and "polynomial"). The unbiased value is about
    0 for unrelated ones and can be slightly negative; the biased one grows with d / n instead.
    All three HSIC are of the same estimator, and the score is a cosine, between -1 and 1 ("gretton"
    with a positive definite kernel: 0 and 1) up to rounding, which may leave it 1e-6 beyond: clip
    before an arccosine, which is the angular distance of Lange et al. 2023. Kornblith et al. 2019;
    unbiased as in Nguyen et al. 2021; "lange" as in Lange et al. 2023.

    Parameters and errors are those of :func:`hsic`. Returns a float64 scalar of the library of
    ``x``; NaN, with a warning, where a side is constant and the quotient would be 0 / 0. Nothing is
    added to the denominator, nothing is clamped. Differentiable as :func:`hsic` is.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(float(cka(x, 2 * x + 5)), 6)
    1.0
    """
    estimator = estimator_named(estimator, unbiased)
    require_reverse_mode(x=x, y=y)
    if wants_gradient(x, y):
        return differentiable("cka", x, y, kernel=kernel, sigma=sigma, estimator=estimator)
    grams = paired_grams(x, y, kernel_named(kernel, sigma), estimator)
    return grams[0].wrap(np.float64(alignments(grams, [0], [1], estimator, "CKA")[0, 0]))


@for_devices
def cka_matrix(
    xs: Sequence[Array | Gram],
    ys: Sequence[Array | Gram] | None = None,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool | None = None,
    estimator: str | None = None,
) -> Array:
    """:func:`cka` of every x with every y, everything shared computed once.

    Parameters
    ----------
    xs, ys : sequences of (n, d) arrays of any widths, or :class:`Gram` objects; ``ys`` defaults
        to ``xs``.
    kernel, sigma, unbiased, estimator : as in :func:`hsic`. Tensors are read as constants: the
        matrix has no gradient.

    Returns a (len(xs), len(ys)) float64 array of the library of ``xs[0]``. Cost: one kernel tile
    per representation and pair of samples, n^2 sum(d) / 2 multiply-adds, and n^2 / 2 per pair of
    representations; linear and cosine kernels take feature-space products where these are fewer.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> cka_matrix([x, x**3]).round(6).diagonal().tolist()
    [1.0, 1.0]
    """
    estimator = estimator_named(estimator, unbiased)
    chosen = kernel_named(kernel, sigma)
    grams = [as_gram(f"xs[{i}]", x, chosen) for i, x in enumerate(xs)]
    left = list(range(len(grams)))
    right = left
    if ys is not None:
        grams += [as_gram(f"ys[{i}]", y, chosen) for i, y in enumerate(ys)]
        right = list(range(len(left), len(grams)))
    if not left or not right:
        raise ValueError("xs and ys must each hold at least one representation.")
    require_samples(grams, estimator)
    return grams[0].wrap(alignments(grams, left, right, estimator, "CKA"))
