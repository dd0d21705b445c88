"""Kernel matrices, HSIC and CKA, from sums over pairs; no n x n array but ``centered_gram``'s."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._arrays import Array, Input, as_input, same_samples
from ._checks import KERNELS, at_least, bandwidth, one_of
from ._features import require_usable
from ._gradients import differentiable, wants_gradient
from ._moments import hsic_from_products, products_of
from ._native import _cpu

# A self-similarity below this share of the kernel's mean square is what rounding leaves of zero.
_DEGENERATE = 1e-12
# Feature-space sums in float32 keep six digits of an unbiased self-similarity above this share of
# the sum they subtract from; below it (one sample outweighs all others) they are in float64.
_CANCELLED = 0.05


class Gram:
    """A representation with a kernel on it, centred and packed once for any number of comparisons.

    Made by :func:`prepare_gram`; accepted wherever :func:`hsic`, :func:`cka` and
    :func:`cka_matrix` take an array, whose ``kernel`` and ``sigma`` then do not apply to it.
    """

    def __init__(self, rows: Input, kernel: str, sigma: float | str | None):
        self.name = rows.name
        self.kernel = kernel
        self.wrap = rows.wrap
        self.shape = rows.shape
        self.type = rows.type
        at_least(self.shape[0], 2, rows.name, self.shape, "A kernel matrix")
        self.features = _cpu.Features(rows.values, rows.type, False, kernel != "linear")
        require_usable(self.features, rows)
        if sigma == "median":
            sigma = self.features.median_distance()
            if sigma == 0 and not self.features.constant:
                raise ValueError(
                    f"sigma='median' is 0: at least half of the pairs of rows of {rows.name} are "
                    "equal; pass a number."
                )
        #: The bandwidth in use (None for the linear kernel), in units of the features.
        self.sigma = sigma
        # Constant features make a constant kernel whatever the bandwidth.
        self.matrix = _cpu.Kernel(self.features, kernel, sigma or 1.0)

    def __repr__(self) -> str:
        return f"Gram(shape={self.shape}, kernel={self.kernel!r}, sigma={self.sigma})"


def prepare_gram(x: Array, *, kernel: str = "linear", sigma: float | str | None = None) -> Gram:
    """Check, centre and pack a representation once, for use in many comparisons.

    Parameters
    ----------
    x : (n, d) array of any real type.
    kernel : "linear" (x x') or "rbf", exp(-|x_i - x_j|^2 / (2 sigma^2)).
    sigma : for "rbf", a positive number in units of the features, or "median" (the default): the
        median of the n (n - 1) / 2 Euclidean distances between different samples.

    Cost: O(n d); "median" takes two passes of n^2 d / 2 multiply-adds. Memory up to 4 n d bytes.

    >>> prepare_gram(np.eye(3), kernel="rbf").sigma
    1.414213...
    """
    return _gram("x", x, kernel, sigma)


def hsic(
    x: Array | Gram,
    y: Array | Gram,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool = True,
) -> Array:
    """Hilbert-Schmidt independence criterion: 0 in the mean for independent x and y.

    Unbiased (Song et al. 2012, equation 5, n >= 4; can be negative, and is not clamped):
    [sum K~ o L~ + sum K~ sum L~ / ((n-1)(n-2)) - 2 1'K~ L~1 / (n-2)] / (n (n-3)), K~ and L~ without
    diagonals. Biased (Gretton et al. 2005, equation 9): tr(K H L H) / (n-1)^2.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays, rows paired, or :class:`Gram` objects.
    kernel, sigma : as in :func:`prepare_gram`.

    Where a tensor requires a gradient (and PyTorch is to record it) the result has one: see
    :func:`mmkernels.torch.hsic`.

    Returns a float64 scalar of the library of ``x``. Cost: n^2 (d_x + d_y) / 2 multiply-adds, or
    n d_x d_y for linear kernels where that is less; memory 4 n (d_x + d_y) bytes.

    >>> round(float(hsic(np.arange(5.0)[:, None], np.arange(5.0)[:, None])), 6)
    5.166667
    """
    if wants_gradient(x, y):
        return differentiable("hsic", x, y, kernel=kernel, sigma=sigma, unbiased=unbiased)
    grams = _pair(x, y, kernel, sigma, unbiased)
    values, _ = _hsic(grams, [(0, 1)], unbiased)
    # One unit at a time: their product can overflow where the quotient does not.
    return grams[0].wrap(np.float64(values[0]) / grams[0].matrix.unit / grams[1].matrix.unit)


def cka(
    x: Array | Gram,
    y: Array | Gram,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool = True,
) -> Array:
    """Centred kernel alignment: HSIC(x, y) / sqrt(HSIC(x, x) HSIC(y, y)).

    1 for equal representations up to rotation, scale (linear kernel, or sigma="median") and
    shift. The unbiased value is about 0 for unrelated ones and can be slightly negative; the
    biased one grows with d / n instead. Kornblith et al. 2019; unbiased as in Nguyen et al. 2021.

    Parameters are those of :func:`hsic`. Returns a float64 scalar of the library of ``x``; NaN,
    with a warning, where a side is constant and the quotient would be 0 / 0. Nothing is added to
    the denominator, nothing is clamped. Differentiable as :func:`hsic` is.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(float(cka(x, 2 * x + 5)), 6)
    1.0
    """
    if wants_gradient(x, y):
        return differentiable("cka", x, y, kernel=kernel, sigma=sigma, unbiased=unbiased)
    grams = _pair(x, y, kernel, sigma, unbiased)
    return grams[0].wrap(np.float64(_cka(grams, [0], [1], unbiased)[0, 0]))


def cka_matrix(
    xs: Sequence[Array | Gram],
    ys: Sequence[Array | Gram] | None = None,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    unbiased: bool = True,
) -> Array:
    """:func:`cka` of every x with every y, everything shared computed once.

    Parameters
    ----------
    xs, ys : sequences of (n, d) arrays of any widths, or :class:`Gram` objects; ``ys`` defaults
        to ``xs``.

    Returns a (len(xs), len(ys)) float64 array of the library of ``xs[0]``. Cost: one kernel tile
    per representation and pair of samples, n^2 sum(d) / 2 multiply-adds, and n^2 / 2 per pair of
    representations; linear kernels take feature-space products where these are fewer.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> cka_matrix([x, x**3]).round(6).diagonal().tolist()
    [1.0, 1.0]
    """
    grams = [_gram(f"xs[{i}]", x, kernel, sigma) for i, x in enumerate(xs)]
    left = list(range(len(grams)))
    right = left
    if ys is not None:
        grams += [_gram(f"ys[{i}]", y, kernel, sigma) for i, y in enumerate(ys)]
        right = list(range(len(left), len(grams)))
    if not left or not right:
        raise ValueError("xs and ys must each hold at least one representation.")
    _check(grams, unbiased)
    return grams[0].wrap(_cka(grams, left, right, unbiased))


def centered_gram(
    x: Array | Gram, *, kernel: str = "linear", sigma: float | str | None = None
) -> Array:
    """The centred kernel matrix H K H, H = I - 1 1' / n.

    Parameters as in :func:`prepare_gram`. Returns (n, n) of the library of ``x``, float64 for
    float64 and 64-bit integers, else float32; kernel values are computed in float32 of the
    centred features and centred in float64. Memory: the result and 4 n d bytes.

    >>> centered_gram(np.array([[0.0], [2.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    gram = _gram("x", x, kernel, sigma)
    wide = gram.type in ("float64", "int64", "uint64", "int32", "uint32")
    compute = _cpu.centered_gram_float64 if wide else _cpu.centered_gram_float32
    return gram.wrap(compute(gram.matrix))


def _gram(name: str, x: Array | Gram, kernel: str, sigma: float | str | None) -> Gram:
    one_of("kernel", kernel, KERNELS)
    width = bandwidth(kernel, sigma)
    return x if isinstance(x, Gram) else Gram(as_input(name, x), kernel, width)


def _pair(x: Any, y: Any, kernel: str, sigma: Any, unbiased: bool) -> list[Gram]:
    left = _gram("x", x, kernel, sigma)
    grams = [left, left if y is x else _gram("y", y, kernel, sigma)]
    _check(grams, unbiased)
    return grams


def _check(grams: list[Gram], unbiased: bool) -> None:
    same_samples(*grams)
    if unbiased:
        first = grams[0]
        at_least(first.shape[0], 4, first.name, first.shape, "An unbiased estimate")


def _cka(grams: list[Gram], left: list[int], right: list[int], unbiased: bool) -> np.ndarray:
    used = sorted({*left, *right})
    pairs = [(i, i) for i in used]
    pairs += sorted({(min(a, b), max(a, b)) for a in left for b in right if a != b})
    values, magnitudes = _hsic(grams, pairs, unbiased)
    value = dict(zip(pairs, values, strict=True))
    norms = {}
    for i, magnitude in zip(used, magnitudes, strict=False):
        own = value[i, i]
        constant = grams[i].features.constant or not own > _DEGENERATE * magnitude
        if constant:
            warnings.warn(
                f"{grams[i].name} is constant (shape {grams[i].shape}): its CKA is 0 / 0, NaN.",
                RuntimeWarning,
                stacklevel=4,
            )
        norms[i] = np.nan if constant else np.sqrt(own)
    return np.array(
        [
            [
                # A representation against itself is 1 by definition, not up to rounding.
                norms[a] / norms[a]
                if a == b
                else value[min(a, b), max(a, b)] / (norms[a] * norms[b])
                for b in right
            ]
            for a in left
        ]
    )


def _hsic(
    grams: list[Gram], pairs: list[tuple[int, int]], unbiased: bool
) -> tuple[list[float], list[float]]:
    """HSIC of the pairs and the mean products they are centred from, in units of the tiles."""
    if _features_are_cheaper(grams, pairs):
        results = [
            _cpu.hsic_by_features(grams[a].features, grams[b].features, unbiased) for a, b in pairs
        ]
        kept = all(
            own > _CANCELLED * magnitude
            for (a, b), (own, magnitude) in zip(pairs, results, strict=True)
            if a == b
        )
        if unbiased and not kept:
            results = [
                hsic_from_products(products_of(grams[a].features, grams[b].features), True)
                for a, b in pairs
            ]
        return [r[0] for r in results], [r[1] for r in results]
    results = _cpu.hsic_by_tiles([g.matrix for g in grams], pairs, unbiased)
    return [r[0] for r in results], [r[1] for r in results]


def _features_are_cheaper(grams: list[Gram], pairs: list[tuple[int, int]]) -> bool:
    """Compare multiply-adds; only linear kernels have a feature space to go to."""
    if any(gram.kernel != "linear" for gram in grams):
        return False
    n = grams[0].shape[0]
    widths = [gram.shape[1] for gram in grams]
    features = sum(n * widths[a] * widths[b] / (2 if a == b else 1) for a, b in pairs)
    tiles = n * n / 2 * (sum(widths) + len(pairs))
    return features < tiles
