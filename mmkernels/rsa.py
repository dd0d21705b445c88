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
# Ranks are of dissimilarities in this many steps from 0 to the largest: float64 leaves some 2^-52
# of rounding on each, which would otherwise order those that are equal.
_STEPS = 2.0**44
_UNRANKED = ("pearson", "cosine")
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
    it is one number for a whole row, "correlation".

    Ranks (of all but "pearson" and "cosine") are those of dissimilarities rounded to 2^-44 of the
    largest, so that those that are equal but for rounding tie, whatever the scale: as of 0/1
    features, or of the correlations over two features, which are all 1 or -1. What is rounded is
    the distance, also for "sqeuclidean", and for "correlation" and "cosine" that of the rows at
    unit length, so that a far sample does not make all others tie. Two steps next to each other
    with no other beside them are one, as equal values near the middle between steps come out as
    both. Features that were rounded more coarsely than to 2^-44 (float32, or a large offset) carry
    differences that count as real; and where values lie as dense as the steps, equal ones may be
    told apart.

    Cost: n^2 (d_x + d_y) / 2 float64 differences, and O(m log m), m = n (n - 1) / 2, for ranks.
    Memory: 16 m bytes, while ranking 50 m: 0.5 and 1.7 GB at n = 8192, beside the matrices that are
    given or that a function returns. Ranks go up to m < 2^32.

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
    ranked = compare not in _UNRANKED
    if ranked and pairs > _cpu.most_ranked:
        raise ValueError(
            f"compare={compare!r} ranks at most {_cpu.most_ranked} pairs; x has {n} samples, that "
            f"is {pairs} pairs. Use 'pearson' or 'cosine'."
        )
    lists = [
        _dissimilarities(side, choice, ranked) for side, choice in zip(sides, pair, strict=True)
    ]
    return sides[0].wrap(np.float64(_compare(sides, lists, compare)))


def _dissimilarities(side: Input, distance: Distance, ranked: bool) -> np.ndarray:
    """(n (n - 1) / 2,) finite float64 values, with the scale of the features left to chance.

    Where they are to be ranked, whole numbers in their order.
    """
    if callable(distance):
        values = _condensed(side, _returned(side, distance(side.given)), "distance")
    elif distance == "precomputed":
        values = _condensed(side, side.values, side.name)
    else:
        values = _distances(side, distance, ranked)
    return _steps(values) if ranked else values


def _steps(values: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of the values, in place; those that rounding tells apart equal."""
    largest = _largest(values)
    if not largest > 0:
        return values
    np.rint(np.multiply(values, _STEPS / largest, out=values), out=values)
    levels = np.sort(values)
    levels = levels[np.append(True, levels[1:] != levels[:-1])]
    gaps = np.diff(levels, prepend=-np.inf, append=np.inf)
    # Equal values near the middle between two steps are in both, with nothing beside them.
    upper = levels[1:][(gaps[1:-1] == 1) & (gaps[:-2] > 1) & (gaps[2:] > 1)]
    if len(upper):
        places = np.minimum(upper.searchsorted(values), len(upper) - 1)
        values -= upper[places] == values
    return values


def _distances(side: Input, distance: str, ranked: bool) -> np.ndarray:
    """Of all pairs of rows; of those whose ranks are asked for, the roots where that is a square.

    It is the distance that rounding leaves uncertain by a share of the largest, not its square.
    """
    values = scaled(side)
    if distance == "correlation":
        values -= values[:, :1].copy()  # a constant row is then exactly 0
        values -= values.mean(axis=1, keepdims=True)
    if distance not in ("correlation", "cosine"):
        root = ranked and distance == "sqeuclidean"
        return _cpu.condensed_distances(values, "euclidean" if root else distance)
    zero = ~values.any(axis=1)
    if zero.any():
        what = "constant" if distance == "correlation" else "zero"
        raise ValueError(
            f"{side.name} has a {what} row (row {int(np.argmax(zero))}; shape {side.shape}), whose "
            f'{distance} with others is not defined; remove it, or use distance="euclidean".'
        )
    # Half the squared distance of unit rows is 1 - their product, exactly 0 for equal rows.
    unit = np.ascontiguousarray(unit_columns(values.T).T)
    return _cpu.condensed_distances(unit, "euclidean" if ranked else "half_squared")


def _returned(side: Input, values: Array) -> np.ndarray:
    """What a caller's function gave, as real numbers."""
    # A torch function's result may want a gradient, which numpy does not give.
    values = values.detach() if hasattr(values, "detach") else values
    try:
        values = np.asarray(values)
    except Exception:
        kind = f"a {type(values).__name__} that cannot be read as numbers"
    else:
        if values.dtype.kind in "biuf":
            return values
        kind = f"values of type {values.dtype}"
    raise TypeError(f"distance gave {kind} for {side.name}; it must give an array of real numbers.")


def _condensed(side: Input, values: np.ndarray, name: str) -> np.ndarray:
    """The part above the diagonal of a matrix; checked, in a new array of size below 1."""
    n = side.shape[0]
    pairs = n * (n - 1) // 2
    if values.shape not in ((n, n), (pairs,)) or (name != "distance" and values.ndim != 2):
        allowed = f"an ({n}, {n}) matrix" + (f" or {pairs} values" if name == "distance" else "")
        raise ValueError(
            f"{name} must give the dissimilarities of {side.name} as {allowed}; its shape is "
            f"{values.shape}."
        )
    values = _above(side, values, name) if values.ndim == 2 else np.array(values, np.float64)
    largest = _largest(values)
    if not np.isfinite(largest):
        raise ValueError(f"{name} gave NaN or infinity for {side.name}; all must be finite.")
    return np.ldexp(values, -np.frexp(largest)[1], out=values)


def _above(side: Input, matrix: np.ndarray, name: str) -> np.ndarray:
    """Row by row: lists of all indices would take as much memory as the matrix."""
    n = len(matrix)
    out = np.empty(n * (n - 1) // 2)
    sizes, gaps = np.zeros(n - 1), np.zeros(n - 1)
    first = 0
    for i in range(n - 1):
        above, below = (_float64(side, part) for part in (matrix[i, i + 1 :], matrix[i + 1 :, i]))
        out[first : first + len(above)] = above
        first += len(above)
        sizes[i] = max(_largest(above), _largest(below))
        if not (np.isfinite(above).all() and np.isfinite(below).all()):
            raise ValueError(
                f"{name} has NaN or infinity in row {i} or column {i} of the matrix of {side.name} "
                f"(shape {matrix.shape}); all values beside the diagonal must be finite."
            )
        gaps[i] = np.abs(above / 2 - below / 2).max()
    if not 2 * gaps.max() <= _ASYMMETRY * sizes.max():
        raise ValueError(
            f"{name} must be symmetric, up to rounding, and finite above and below the "
            f"diagonal; that of {side.name}, of shape ({n}, {n}), is not."
        )
    return out


def _float64(side: Input, values: np.ndarray) -> np.ndarray:
    if side.type == "bfloat16" and values.dtype == np.uint16:
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float64)


def _largest(values: np.ndarray) -> float:
    return float(np.maximum(values.max(), -values.min()))


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
    if compare in _UNRANKED:
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
