"""Canonical correlations: how alike the subspaces are that the features of two sides span.

What an invertible linear map does to a side changes nothing here. Bases come from singular value
decompositions of the centred features in float64, and directions count as absent when they are
small beside the largest one, never below a fixed number. LAPACK does the work: the last bits can
depend on its version and its number of threads, not on anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._arrays import Array, Input, as_input, same_samples
from ._checks import at_least, one_of
from ._dense import centered, paired_inputs, unit_columns
from ._span import count, is_constant, share, span
from ._warn import warn

_SUMMARIES = ("mean", "mean_squared")


def cca(
    x: Array,
    y: Array,
    *,
    components: int | None = None,
    summary: str = "mean",
    tolerance: float | None = None,
) -> Array:
    """Mean canonical correlation: 1 when an invertible linear map takes one side to the other.

    The correlations are the singular values of U_x' U_y, U_x and U_y orthonormal bases of the
    centred features; there are m = min(rank x, rank y) of them. Raghu et al. 2017; the mean of
    their squares is R^2_CCA of Kornblith et al. 2019, table 1, and Yanai's measure for equal ranks.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays of any real type, rows paired.
    components : average only so many of the largest correlations; at most m, which is the default.
    summary : "mean" or "mean_squared".
    tolerance : singular values of a side's standardised features below this share of the largest
        one count as 0. By default those below max(n, d, 32) 2^-52 of the largest, and those that
        rounding to the type of the side can make of 0: epsilon (1 / sqrt(n) + 1 / sqrt(d)) |X|_F.

    Returns a float64 scalar of the library of ``x``; between 0 and 1 (up to rounding, as all scores
    here: nothing is clamped), large by chance where n is not much larger than d_x + d_y: two
    subspaces of n - 1 dimensions meet in at least rank x + rank y - n + 1 of them, so many
    correlations are 1 whatever the data, and a RuntimeWarning says so; they all are where a rank is
    n - 1, as with n <= d. NaN, with a warning, where a side is constant.

    Cost: O(n d min(n, d)) per side and O(n d_x d_y); memory 28 n (d_x + d_y) bytes.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(float(cca(x, x @ [[1, 2, 0], [0, 1, 5], [0, 0, 3]] + 7)), 6)
    1.0
    """
    one_of("summary", summary, _SUMMARIES)
    components = count("components", components)
    tolerance = share("tolerance", tolerance)
    left, right = paired_inputs(x, y, 2, "A canonical correlation")
    bases = [span(rows, unit_columns(centered(rows)), tolerance) for rows in (left, right)]
    return left.wrap(_mean_correlation(left, right, bases, summary, components))


def svcca(
    x: Array,
    y: Array,
    *,
    components: int | None = None,
    variance: float | None = None,
    standardize: bool | None = None,
    summary: str = "mean",
    tolerance: float | None = None,
) -> Array:
    """Mean canonical correlation of the principal directions that matter on each side.

    Two definitions are in use. With ``components``, 10 unless given, that many left singular
    vectors of the standardised features (Huh et al. 2024); with ``variance``, the fewest that
    hold this share of the variance of the centred features (Raghu et al. 2017, who take 0.99). The
    left singular vectors are exact, not sampled, so equal calls agree.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays of any real type, rows paired.
    components : so many directions per side, or all of a side that has fewer.
    variance : a share above 0 and up to 1, instead of ``components``; 1 keeps all and makes this
        :func:`cca`.
    standardize : divide the centred features by their standard deviations first. By default as
        the definition has it: yes with ``components``, no with ``variance``.
    summary, tolerance : as in :func:`cca`.

    Returns a float64 scalar of the library of ``x``, between 0 and 1; warnings, NaN, cost and
    memory as for :func:`cca`. Unchanged by rotations of the features when they are not
    standardised, and always by the scale of a side. Directions of equal variance at the cut are
    exchangeable, and which of them is kept is then up to rounding.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(float(svcca(x, x @ [[1, 2, 0], [0, 1, 5], [0, 0, 3]])), 6)
    1.0
    """
    left, right = paired_inputs(x, y, 2, "A canonical correlation")
    directions = _principal(components, variance, standardize, summary, tolerance)
    bases = [directions(rows) for rows in (left, right)]
    return left.wrap(_mean_correlation(left, right, bases, summary, None))


def svcca_matrix(
    xs: Sequence[Array],
    ys: Sequence[Array] | None = None,
    *,
    components: int | None = None,
    variance: float | None = None,
    standardize: bool | None = None,
    summary: str = "mean",
    tolerance: float | None = None,
) -> Array:
    """:func:`svcca` of every x with every y; principal directions are found once a representation.

    Returns a (len(xs), len(ys)) float64 array of the library of ``xs[0]``; ``ys`` is ``xs`` unless
    given. Cost: O(n d min(n, d)) per representation and O(n components^2) per pair.
    """
    left = [as_input(f"xs[{i}]", x) for i, x in enumerate(xs)]
    right = left if ys is None else [as_input(f"ys[{i}]", y) for i, y in enumerate(ys)]
    if not left or not right:
        raise ValueError("xs and ys must each hold at least one representation.")
    same_samples(*left, *right)
    first = left[0]
    at_least(first.shape[0], 2, first.name, first.shape, "A canonical correlation")
    directions = _principal(components, variance, standardize, summary, tolerance)
    bases = [directions(rows) for rows in left]
    others = bases if ys is None else [directions(rows) for rows in right]
    return first.wrap(
        np.array(
            [
                [
                    _mean_correlation(x, y, [of_x, of_y], summary, None)
                    for y, of_y in zip(right, others, strict=True)
                ]
                for x, of_x in zip(left, bases, strict=True)
            ]
        )
    )


def _principal(
    components: int | None,
    variance: float | None,
    standardize: bool | None,
    summary: str,
    tolerance: float | None,
) -> Callable[[Input], tuple[np.ndarray, np.ndarray]]:
    """Check the options of SVCCA; return what finds the directions of a side that matter."""
    one_of("summary", summary, _SUMMARIES)
    if components is not None and variance is not None:
        raise ValueError(
            f"components ({components!r}) and variance ({variance!r}) exclude each other; give "
            "one of them."
        )
    components = count("components", 10 if components is None and variance is None else components)
    variance, tolerance = share("variance", variance), share("tolerance", tolerance)
    standardized = variance is None if standardize is None else standardize

    def directions(rows: Input) -> tuple[np.ndarray, np.ndarray]:
        values = centered(rows)
        basis, sizes = span(rows, unit_columns(values) if standardized else values, tolerance)
        kept = components if components is not None else _directions_holding(variance, sizes)
        return basis[:, :kept], sizes[:kept]

    return directions


def pwcca(x: Array, y: Array, *, tolerance: float | None = None) -> Array:
    """Canonical correlations weighted by how much of x their directions account for.

    sum a_i rho_i / sum a_i with a_i = sum over j of |h_i' x_j|: rho_i the canonical correlations,
    h_i the orthonormal canonical variates of x, and x_j its centred features. Morcos et al. 2018.

    **Not symmetric**: the weights are those of ``x``. (The authors' program takes them from the
    side of smaller rank; call ``pwcca(y, x)`` where that is y.) An invertible linear map of y
    changes nothing, one of x changes the weights. Where correlations are equal, the h_i are not
    unique, and unless all are equal the weights then depend on rounding.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays of any real type, rows paired.
    tolerance : as in :func:`cca`.

    Returns a float64 scalar of the library of ``x``, between 0 and 1; warnings, NaN, cost and
    memory as for :func:`cca`.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(float(pwcca(x, x @ [[1, 2, 0], [0, 1, 5], [0, 0, 3]])), 6)
    1.0
    """
    tolerance = share("tolerance", tolerance)
    left, right = paired_inputs(x, y, 2, "A canonical correlation")
    features = centered(left)
    bases = [
        span(left, unit_columns(features.copy()), tolerance)[0],
        span(right, unit_columns(centered(right)), tolerance)[0],
    ]
    if not _comparable(left, right, bases):
        return left.wrap(np.float64(np.nan))
    turn, correlations, _ = np.linalg.svd(bases[0].T @ bases[1], full_matrices=False)
    weights = np.abs((bases[0] @ turn).T @ features).sum(axis=1)
    return left.wrap(np.float64(weights @ correlations / weights.sum()))


def _mean_correlation(
    left: Input, right: Input, bases: list[Any], summary: str, components: int | None
) -> np.float64:
    vectors = [basis for basis, _ in bases]
    if not _comparable(left, right, vectors):
        return np.float64(np.nan)
    correlations = np.linalg.svd(vectors[0].T @ vectors[1], compute_uv=False)
    if components is not None and components > len(correlations):
        raise ValueError(
            f"components is {components}, but x and y (shapes {left.shape} and {right.shape}) "
            f"have {len(correlations)} canonical correlations."
        )
    kept = correlations[:components]
    return np.mean(kept if summary == "mean" else kept**2)


def _comparable(left: Input, right: Input, bases: list[np.ndarray]) -> bool:
    """Whether both sides span something; warns where not, and where any data would agree."""
    for side, basis in zip((left, right), bases, strict=True):
        if is_constant(side, basis, "CCA"):
            return False
    n = left.shape[0]
    ranks = [basis.shape[1] for basis in bases]
    certain = sum(ranks) - (n - 1)
    if certain > 0:
        warn(
            f"x and y span {ranks[0]} and {ranks[1]} of the {n - 1} dimensions that {n} centred "
            f"samples have: {certain} of their {min(ranks)} canonical correlations are 1 "
            "whatever the data."
        )
    return True


def _directions_holding(variance: float, sizes: np.ndarray) -> int:
    """The fewest leading singular values with this share of their sum of squares."""
    if len(sizes) == 0:
        return 0
    tails = np.cumsum((sizes[::-1] / sizes[0]) ** 2)[::-1]  # what is left from each one on
    return int(np.count_nonzero(tails > (1 - variance) * tails[0]))
