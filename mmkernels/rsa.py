"""Representational similarity analysis: do two sides find the same pairs of samples different?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._arrays import Array, Input, as_input, same_samples
from ._checks import at_least, one_of
from ._dense import scaled, unit_columns
from ._native import _cpu
from ._warn import warn

DISTANCES = ("correlation", "cosine", "euclidean", "sqeuclidean", "cityblock", "precomputed")
COMPARISONS = ("pearson", "spearman", "kendall", "cosine", "tau-a", "rho-a")

# Dissimilarities whose spread is below this share of their size differ by rounding only.
_EQUAL = 1e-13
# How far a precomputed matrix may be from symmetric, relative to its largest entry.
_ASYMMETRY = 1e-5

Distance = str | Callable[[Array], Array]


def rsa(
    x: Array,
    y: Array,
    *,
    distance: Distance | tuple[Distance, Distance] = "correlation",
    compare: str = "spearman",
) -> Array:
    """How alike the dissimilarities are that x and y assign to all pairs of samples.

    Each side becomes the list of its n (n - 1) / 2 dissimilarities, and ``compare`` says how the
    lists are compared. Kriegeskorte, Mur & Bandettini 2008.

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays of any real type, rows paired.
    distance : of two rows, "correlation" (1 - Pearson's coefficient over the features), "cosine"
        (1 - cosine), "euclidean", "sqeuclidean", "cityblock" (sum of absolute differences), or
        "precomputed" for a side that is an (n, n) symmetric matrix of dissimilarities already,
        whose diagonal does not matter. A function is given the side as it is, and returns such a
        matrix or its n (n - 1) / 2 values above the diagonal, row by row. A pair of these gives
        each side its own.
    compare : "pearson", "spearman" (equal values share the mean of their ranks), "kendall" (tau-b),
        "cosine" (no centring); or, for sides with different numbers of ties, "tau-a" and "rho-a",
        which count ties as disagreement: tau-a divides by all pairs, and rho-a is the mean of
        Spearman's coefficient over all ways to break the ties (Schütt et al. 2023).

    Returns a float64 scalar of the library of ``x``, between -1 and 1; NaN, with a warning, where
    the dissimilarities of a side are all equal (all 0, for "cosine"), as with n = 2. A constant
    row, or a zero row for "cosine", has no correlation with others and raises ValueError. Scale
    and order of the features change nothing, nor does a shift of them, but for "cosine" and, unless
    it is one number for a whole row, "correlation". Values count as equal when they are to the
    last bit, as of equal rows or sums of whole numbers.

    Cost: n^2 (d_x + d_y) / 2 float64 differences, and O(m log m), m = n (n - 1) / 2, for ranks.
    Memory: 16 m bytes, while ranking 48 m: 0.5 and 1.6 GB at n = 8192. Ranks go up to m < 2^32.

    >>> x = np.random.default_rng(0).normal(size=(20, 5))
    >>> round(float(rsa(x, 3 * x + 1)), 6)
    1.0
    """
    one_of("compare", compare, COMPARISONS)
    pair = distance if isinstance(distance, tuple) and len(distance) == 2 else (distance, distance)
    for choice in pair:
        if not callable(choice):
            one_of("distance", choice, DISTANCES)
    sides = as_input("x", x), as_input("y", y)
    same_samples(*sides)
    n = sides[0].shape[0]
    at_least(n, 2, "x", sides[0].shape, "A dissimilarity")
    pairs = n * (n - 1) // 2
    if compare not in ("pearson", "cosine") and pairs > _cpu.most_ranked:
        raise ValueError(
            f"compare={compare!r} ranks at most {_cpu.most_ranked} pairs; x has {n} samples, that "
            f"is {pairs} pairs. Use 'pearson' or 'cosine'."
        )
    lists = [_dissimilarities(side, choice) for side, choice in zip(sides, pair, strict=True)]
    return sides[0].wrap(np.float64(_compare(sides, lists, compare)))


def _dissimilarities(side: Input, distance: Distance) -> np.ndarray:
    """(n (n - 1) / 2,) finite float64 values, with the scale of the features left to chance."""
    if callable(distance):
        values = distance(side.given)
        # A torch function's result may want a gradient, which numpy does not give.
        values = values.detach() if hasattr(values, "detach") else values
        return _condensed(side, np.asarray(values), "distance")
    if distance == "precomputed":
        return _condensed(side, scaled(side), side.name)
    values = scaled(side)
    if distance == "correlation":
        values -= values[:, :1].copy()  # a constant row is then exactly 0
        values -= values.mean(axis=1, keepdims=True)
    if distance not in ("correlation", "cosine"):
        return _cpu.condensed_distances(values, distance)
    zero = ~values.any(axis=1)
    if zero.any():
        what = "constant" if distance == "correlation" else "zero"
        raise ValueError(
            f"{side.name} has a {what} row (row {int(np.argmax(zero))}; shape {side.shape}), whose "
            f'{distance} with others is not defined; remove it, or use distance="euclidean".'
        )
    # Half the squared distance of unit rows is 1 - their product, exactly 0 for equal rows.
    unit = np.ascontiguousarray(unit_columns(values.T).T)
    return _cpu.condensed_distances(unit, "half_squared")


def _condensed(side: Input, values: np.ndarray, name: str) -> np.ndarray:
    """The part above the diagonal of a matrix; checked."""
    n = side.shape[0]
    pairs = n * (n - 1) // 2
    if values.shape not in ((n, n), (pairs,)) or (name != "distance" and values.ndim != 2):
        allowed = f"an ({n}, {n}) matrix" + (f" or {pairs} values" if name == "distance" else "")
        raise ValueError(
            f"{name} must give the dissimilarities of {side.name} as {allowed}; its shape is "
            f"{values.shape}."
        )
    if values.ndim == 2:
        above = np.triu_indices(n, 1)
        values, below = values[above].astype(np.float64), values.T[above].astype(np.float64)
        largest = max(np.abs(values).max(), np.abs(below).max())
        if not np.abs(values - below).max() <= _ASYMMETRY * largest:
            raise ValueError(
                f"{name} must be symmetric, up to rounding, and finite above and below the "
                f"diagonal; that of {side.name}, of shape ({n}, {n}), is not."
            )
    values = np.array(values, np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} gave NaN or infinity for {side.name}; all must be finite.")
    return np.ldexp(values, -np.frexp(np.abs(values).max())[1])


def _compare(sides: tuple[Input, Input], lists: list[np.ndarray], compare: str) -> float:
    a, b = lists
    count = len(a)
    if compare == "cosine":
        _, _, aa, ab, bb = _cpu.moments(a, b, False)
        constant = [aa == 0, bb == 0]
    else:
        mean_a, mean_b, aa, ab, bb = _cpu.moments(a, b, True)
        spreads = ((aa, mean_a), (bb, mean_b))
        constant = [own <= _EQUAL**2 * (own + count * mean**2) for own, mean in spreads]
    for side, equal in zip(sides, constant, strict=True):
        if equal:
            what = "0" if compare == "cosine" else "equal"
            warn(
                f"all dissimilarities of {side.name} are {what} (shape {side.shape}): their "
                f"{compare} coefficient is 0 / 0, NaN."
            )
            return np.nan
    if compare in ("pearson", "cosine"):
        return ab / np.sqrt(aa) / np.sqrt(bb)
    tied = [_cpu.average_ranks(a), _cpu.average_ranks(b)]
    if compare in ("spearman", "rho-a"):
        _, _, aa, ab, bb = _cpu.moments(a, b, True)
        # Without ties either list has count (count^2 - 1) / 12 of squares.
        return ab / np.sqrt(aa) / np.sqrt(bb) if compare == "spearman" else _rho_a(ab, count)
    total = count * (count - 1) // 2
    both, discordant = _cpu.kendall_counts(a, b)
    agreement = total - tied[0] - tied[1] + both - 2 * discordant
    if compare == "tau-a":
        return agreement / total
    return agreement / np.sqrt(float(total - tied[0])) / np.sqrt(float(total - tied[1]))


def _rho_a(products: float, count: int) -> float:
    """12 of the centred products of ranks over count^3 - count (Schütt et al. 2023)."""
    return 12 * products / count / (float(count) ** 2 - 1)
