"""How well the features of x predict those of y, linearly: scores with a direction, x -> y."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._arrays import Array, Input
from ._dense import centered, norm, paired_inputs, unit_columns
from ._span import is_constant, rank_of, share, span
from ._warn import warn

# Penalties tried by default: from hardly any to more than all of the variance of x.
RIDGES = tuple(10.0**exponent for exponent in range(-8, 4))
# Validation errors closer than this, relative to their size, count as equal.
_EQUAL = 1e-9


def linear_predictivity(
    x: Array,
    y: Array,
    *,
    ridge: float | Sequence[float] | None = None,
    folds: int | Array = 5,
) -> Array:
    """Cross-validated R^2 of a ridge regression that predicts ``y`` from ``x``; not symmetric.

    1 - sum |y_i - p_i|^2 / sum |y_i - m_i|^2 over all samples and columns of y, so that a column
    counts by its variance: p_i is predicted, and m_i the mean, from the folds that i is not in. 1
    for a y that is linear in x, 0 for predictions no better than the mean, negative for worse
    ones. A relative of the neural predictivity of Schrimpf et al. 2018.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays of any real type, rows paired.
    ridge : the penalty as a share of the largest squared singular value of the centred training
        features, so that the scale of x changes nothing; 0 is least squares, of least norm where
        it is not unique. Of several, or by default of 10^-8, 10^-7, ..., 10^3, each training part
        takes the one with the smallest generalised cross-validation error over all columns
        (Golub, Heath & Wahba 1979), the largest of those within 1e-9 of it; the samples predicted
        are never looked at.
    folds : a number of runs of neighbouring samples, as equal as can be, or (n,) integers that
        say which fold each sample is in. Keep samples that are not independent in one fold.

    Returns a float64 scalar of the library of ``x``; NaN, with a warning, where y is constant; 0
    where x is. Unchanged by rotations, shifts and scales of either side.

    Cost: one singular value decomposition per fold, O(n d_x min(n, d_x)), and O(n d_x d_y);
    memory 28 n (d_x + d_y) bytes. LAPACK and BLAS in float64: the last bits can depend on their
    version and number of threads, not on anything else.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(float(linear_predictivity(x, x[:, :1] - x[:, 1:2])), 6)
    1.0
    """
    penalties = _penalties(ridge)
    rows, targets = paired_inputs(x, y, 3, "A cross-validated prediction")
    fold = _assignment(folds, rows.shape[0])
    features, wanted = centered(rows), centered(targets)
    missed = total = 0.0
    for index in np.unique(fold):
        test = fold == index
        origin = wanted[~test].mean(axis=0)
        rest = wanted[test] - origin
        total += norm(rest) ** 2
        rest -= _predict(rows, features[~test], wanted[~test] - origin, features[test], penalties)
        missed += norm(rest) ** 2
    if not wanted.any():
        warn(f"y is constant (shape {targets.shape}): the share predicted is 0 / 0, NaN.")
        return rows.wrap(np.float64(np.nan))
    return rows.wrap(np.float64(1 - missed / total))


def linear_regression(x: Array, y: Array, *, tolerance: float | None = None) -> Array:
    """Share of the variance of ``y`` that least squares on ``x`` fits, in sample; not symmetric.

    |U_x'Y|_F^2 / |Y|_F^2 of the centred features, U_x an orthonormal basis of those of x: R^2_LR
    of Kornblith et al. 2019, table 1, with the roles named here. It is 1 for any y once x spans
    n - 1 dimensions, as with n <= d_x, and a RuntimeWarning says so;
    :func:`linear_predictivity` scores samples that were not fitted instead.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays of any real type, rows paired.
    tolerance : as in :func:`cca`.

    Returns a float64 scalar of the library of ``x``, between 0 and 1; NaN, with a warning, where
    a side is constant. Unchanged by invertible linear maps of x, and by rotations, shifts and the
    scale of y. Cost: O(n d_x min(n, d_x)) and O(n d_x d_y); memory 24 n (d_x + d_y) bytes.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(float(linear_regression(x, x[:, :1] - x[:, 1:2])), 6)
    1.0
    """
    tolerance = share("tolerance", tolerance)
    rows, targets = paired_inputs(x, y, 2, "A regression")
    basis, wanted = span(rows, unit_columns(centered(rows)), tolerance)[0], centered(targets)
    size = norm(wanted)
    if is_constant(rows, basis, "R^2") or is_constant(targets, wanted[:, : size > 0], "R^2"):
        return rows.wrap(np.float64(np.nan))
    n, rank = rows.shape[0], basis.shape[1]
    if rank == n - 1:
        warn(
            f"x spans all {rank} dimensions that {n} centred samples have: it fits any y, and the "
            "R^2 is 1 whatever the data."
        )
    return rows.wrap(np.float64(1 - (norm(wanted - basis @ (basis.T @ wanted)) / size) ** 2))


def _predict(
    rows: Input,
    features: np.ndarray,
    wanted: np.ndarray,
    unseen: np.ndarray,
    penalties: np.ndarray,
) -> np.ndarray:
    """What ridge regression on (features, wanted), wanted centred, makes of the unseen features."""
    origin = features.mean(axis=0)
    features = features - origin
    u, sizes, vt = np.linalg.svd(features, full_matrices=False)
    rank = rank_of(sizes, features, rows.type, None)
    u, sizes, vt = u[:, :rank], sizes[:rank], vt[:rank]
    if rank == 0:
        return np.zeros((len(unseen), wanted.shape[1]))
    sizes, unit = sizes / sizes[0], sizes[0]
    fitted = u.T @ wanted
    penalty = penalties[0]
    if len(penalties) > 1:
        outside = norm(wanted - u @ fitted) ** 2 if rank < len(wanted) - 1 else 0.0
        energy = np.einsum("ij,ij->i", fitted, fitted)
        errors = [_validation_error(p, sizes, energy, outside, len(wanted)) for p in penalties]
        # Largest first. One direction that fits all leaves equal errors: rounding must not choose.
        penalty = penalties[int(np.argmax(errors <= min(errors) * (1 + _EQUAL)))]
    return ((unseen - origin) @ vt.T / unit) @ ((sizes / (sizes**2 + penalty))[:, None] * fitted)


def _validation_error(
    penalty: float, sizes: np.ndarray, energy: np.ndarray, outside: float, n: int
) -> float:
    """Generalised cross-validation: squared residuals over the squared degrees of freedom left."""
    shrunk = penalty / (sizes**2 + penalty)  # the part of each direction that is not fitted
    freedom = n - 1 - len(sizes) + shrunk.sum()
    return (outside + energy @ shrunk**2) / freedom**2 if freedom > 0 else np.inf


def _penalties(ridge: Any) -> np.ndarray:
    """Penalties to try, largest first."""
    try:
        values = np.atleast_1d(np.asarray(RIDGES if ridge is None else ridge, np.float64))
        right = values.ndim == 1 and len(values) > 0 and bool((values >= 0).all())
    except (TypeError, ValueError):
        right = False
    if not right or not np.isfinite(values).all():
        raise ValueError(f"ridge must be one or several numbers of at least 0; it is {ridge!r}.")
    return np.sort(values)[::-1]


def _assignment(folds: Any, n: int) -> np.ndarray:
    """(n,) the fold of each sample."""
    if np.ndim(folds) == 0:
        try:
            count = operator.index(folds)
        except TypeError:
            raise TypeError(
                f"folds must be an integer or (n,) integers; it is {folds!r}."
            ) from None
        if not 2 <= count <= n:
            raise ValueError(
                f"folds must be between 2 and {n}, the number of samples; it is {count}."
            )
        parts = np.array_split(np.arange(n), count)
        folds = np.repeat(np.arange(count), [len(part) for part in parts])
    fold = np.asarray(folds)
    if fold.shape != (n,) or fold.dtype.kind not in "iu":
        raise ValueError(
            f"folds must hold one integer for each of the {n} samples; its shape is {fold.shape} "
            f"and its type {fold.dtype}."
        )
    sizes = np.unique(fold, return_counts=True)[1]
    if len(sizes) < 2 or n - sizes.max() < 2:
        raise ValueError(
            f"folds must leave at least 2 of the {n} samples to learn from; the largest fold has "
            f"{sizes.max()}."
        )
    return fold
