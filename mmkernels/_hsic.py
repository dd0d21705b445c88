"""HSIC of several kernel matrices at once, by whichever way multiplies less, and its quotients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._arrays import same_samples
from ._checks import at_least, one_of
from ._kernels import LINEAR, Kernel
from ._moments import DEGENERATE, hsic_from_products, products_of
from ._native import _cpu
from ._warn import warn
from .gram import Gram, as_gram

ESTIMATORS = ("gretton", "song", "lange")
# Feature-space sums in float32 keep six digits of a self-similarity without the diagonal above this
# share of the sum they subtract from; below it (one sample outweighs all others) they are float64.
_CANCELLED = 0.05
# Tiles are exact to a few float32 roundings an entry, and their sums are float64, of rows to 1e-16
# of the largest value that there may be. A kernel wider than the last of these is out of float32.
_CANCELLED_TILES = 1e-4
_SMALL_TILES = 1e-8
_LEAST_BOUND = 1e-25

Pairs = Sequence[tuple[int, int]]


def estimator_named(estimator: str | None, unbiased: bool | None) -> str:
    """One of ESTIMATORS, from whichever of the two keywords is given; unbiased if neither is."""
    if estimator is None:
        return "song" if unbiased is None or unbiased else "gretton"
    one_of("estimator", estimator, ESTIMATORS)
    agrees = {"song": True, "gretton": False, "lange": None}[estimator]
    if unbiased is not None and (agrees is None or bool(unbiased) != agrees):
        raise ValueError(
            f"estimator is {estimator!r} and unbiased is {unbiased!r}; pass one of the two "
            "(unbiased=True is 'song', unbiased=False is 'gretton')."
        )
    return estimator


def paired_grams(x: Any, y: Any, kernel: Kernel, estimator: str) -> list[Gram]:
    left = as_gram("x", x, kernel)
    grams = [left, left if y is x else as_gram("y", y, kernel)]
    require_samples(grams, estimator)
    return grams


def require_samples(grams: list[Gram], estimator: str) -> None:
    same_samples(*grams)
    if estimator != "gretton":
        first = grams[0]
        what = "An unbiased estimate" if estimator == "song" else "The estimator 'lange'"
        at_least(first.shape[0], 4, first.name, first.shape, what)


def hsic_values(grams: list[Gram], pairs: Pairs, estimator: str) -> list[tuple[float, bool]]:
    """HSIC of the pairs in units of the tiles, and whether it is no more than rounding of 0."""
    if not _features_are_cheaper(grams, pairs):
        return _from_tiles(grams, pairs, estimator)
    results = [
        grams[a].own_hsic(estimator)
        if a == b
        else _cpu.hsic_by_features(grams[a].features, grams[b].features, estimator)
        for a, b in pairs
    ]
    cancelled = any(
        not own > _CANCELLED * magnitude
        for (a, b), (own, magnitude, *_) in zip(pairs, results, strict=True)
        if a == b
    )
    if not cancelled or estimator == "gretton":
        return [(value, not value > rounding) for value, _, rounding, _ in results]
    exact = [
        hsic_from_products(products_of(grams[a].features, grams[b].features), estimator)
        for a, b in pairs
    ]
    return [(value, not value > DEGENERATE * magnitude) for value, magnitude in exact]


def _from_tiles(grams: list[Gram], pairs: Pairs, estimator: str) -> list[tuple[float, bool]]:
    results = _cpu.hsic_by_tiles([gram.matrix for gram in grams], pairs, estimator)
    values = [(value, not value > rounding) for value, _, rounding, _ in results]
    bounds = [1.0 if gram.constant else gram.matrix.bound for gram in grams]
    lost = {a for pair in pairs for a in pair if bounds[a] < _LEAST_BOUND}
    if estimator != "gretton":
        for (a, b), (own, _, _, summed) in zip(pairs, results, strict=True):
            least = _SMALL_TILES**2 * bounds[a] ** 2
            small = summed < least or not own > _CANCELLED_TILES * summed
            if a == b and summed > 0 and small and not grams[a].constant:
                lost.add(a)
    again = [i for i, pair in enumerate(pairs) if lost.intersection(pair)]
    if again:
        used = sorted({side for i in again for side in pairs[i]})
        places = [tuple(used.index(side) for side in pairs[i]) for i in again]
        exact = _cpu.hsic_exactly([grams[side].matrix for side in used], places, estimator)
        for i, (value, _, rounding, _) in zip(again, exact, strict=True):
            values[i] = value, not value > rounding
    return values


def alignments(
    grams: list[Gram], left: list[int], right: list[int], estimator: str, score: str
) -> np.ndarray:
    """HSIC over the root of the product of the self-similarities, of every left and right one.

    NaN where a side is constant, with a warning that names it and the score.
    """
    grams, places = _distinct(grams)
    left, right = ([places[i] for i in side] for side in (left, right))
    used = sorted({*left, *right})
    pairs = [(i, i) for i in used]
    pairs += sorted({(min(a, b), max(a, b)) for a in left for b in right if a != b})
    results = dict(zip(pairs, hsic_values(grams, pairs, estimator), strict=True))
    norms = {}
    for i in used:
        own, nothing = results[i, i]
        if grams[i].constant or nothing:
            warn(_nothing_left(grams[i], score))
            own = np.nan
        norms[i] = np.sqrt(own)
    return np.array(
        [
            [
                # A representation against itself is 1 by definition, not up to rounding.
                norms[a] / norms[a]
                if a == b
                else results[min(a, b), max(a, b)][0] / (norms[a] * norms[b])
                for b in right
            ]
            for a in left
        ]
    )


def _nothing_left(gram: Gram, score: str) -> str:
    if gram.constant:
        return f"{gram.name} is constant (shape {gram.shape}): its {score} is 0 / 0, NaN."
    if gram.features is None:
        return (
            f"{gram.name} is constant (shape {gram.shape}) but for terms of one sample alone and "
            f"rounding: its {score} is 0 / 0, NaN."
        )
    width = "" if gram.sigma is None else f", or sigma = {gram.sigma:.3g} is too small or too large"
    return (
        f"The samples of {gram.name} (shape {gram.shape}) are all equally alike, or one outweighs "
        f"all others{width}: rounding leaves nothing of its {score}, NaN."
    )


def _distinct(grams: list[Gram]) -> tuple[list[Gram], list[int]]:
    """Each object once, in order, and where each of those given is among them."""
    place = {id(gram): i for i, gram in enumerate(dict.fromkeys(grams))}
    return list(dict.fromkeys(grams)), [place[id(gram)] for gram in grams]


def _features_are_cheaper(grams: list[Gram], pairs: Pairs) -> bool:
    """Compare multiply-adds; only kernels linear in their features have a feature space."""
    if any(gram.kernel not in LINEAR for gram in grams):
        return False
    n = grams[0].shape[0]
    widths = [gram.shape[1] for gram in grams]
    features = sum(n * widths[a] * widths[b] / (2 if a == b else 1) for a, b in pairs)
    tiles = n * n / 2 * (sum(widths) + len(pairs))
    return features < tiles
