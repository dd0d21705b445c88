"""Rank correlations along an axis of an array, and under many draws of seeds at once."""

from __future__ import annotations

import numpy as np

from ..intervals import FEWEST_POINTS

# Different ranks differ by one half at least; what is below this is rounding.
_NO_SPREAD = 1e-6


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, from one half, ties sharing their mean; NaN takes no part.

    Time grows with the square of the points, of which there are few.
    """
    own, other = values[..., :, None], values[..., None, :]
    return (other < own).sum(axis=-1) + (other == own).sum(axis=-1) / 2


def spearman(values: np.ndarray, levels: np.ndarray, *, fewest: int = FEWEST_POINTS) -> np.ndarray:
    """Spearman's correlation of ``values`` (..., points) with ``levels`` (points,) or alike.

    Points that are NaN are left out; NaN where fewer than ``fewest`` are left, or none varies.
    """
    known = np.isfinite(values) & np.isfinite(levels)
    ranks = [midranks(np.where(known, one, np.nan)) for one in (values, levels)]
    return _correlation(*ranks, known, fewest)


def pearson(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Pearson's correlation of ``values`` (..., points) with ``levels``, as :func:`spearman`."""
    known = np.isfinite(values) & np.isfinite(levels)
    return _correlation(
        *(np.where(known, one, 0.0) for one in (values, levels)), known, FEWEST_POINTS
    )


def _correlation(x: np.ndarray, y: np.ndarray, known: np.ndarray, fewest: int) -> np.ndarray:
    count = known.sum(axis=-1)
    centred, varies = [], count >= fewest
    for one in (x, y):
        mean = np.where(known, one, 0.0).sum(axis=-1) / np.maximum(count, 1)
        left = np.where(known, one - mean[..., None], 0.0)
        size = np.abs(np.where(known, one, 0.0)).max(axis=-1)
        varies = varies & (np.abs(left).max(axis=-1) > 1e-12 * size)
        centred.append(left)
    left, right = centred
    spread = (left**2).sum(axis=-1) * (right**2).sum(axis=-1)
    scale = np.sqrt(np.where(varies, spread, 1.0))
    return np.where(varies, (left * right).sum(axis=-1) / scale, np.nan).clip(-1, 1)


def drawn_spearman(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, *, given_depth: bool
) -> np.ndarray:
    """Spearman's correlation of x and y in each cell, under each draw of whole seeds.

    ``x`` and ``y`` are (cells, seeds, depths); ``counts`` is (draws, seeds): how often each seed
    counts. Returns (draws, cells). A point's rank in a drawn sample is a sum over seeds of how many
    of their points lie below it. Every moment of ranks is therefore a cubic form in the counts: all
    draws take a few matrix products of (draws, seeds^2), and nothing is sorted. They add small
    multiples of one half, so that they are exact and no order of summation matters.
    With ``given_depth`` the ranks are centred on the mean of their depth.
    NaN where x or y does not vary, or (at any draw) fewer than four points are known.
    """
    cells, seeds, depths = x.shape
    draws = len(counts)
    known = np.isfinite(x) & np.isfinite(y)
    pairs = (counts[:, :, None] * counts[:, None, :]).reshape(draws, seeds**2)
    below, sums = [], []
    for values in (x, y):
        values = np.where(known, values, np.nan)
        own, other = values[:, :, :, None, None], values[:, None, None]
        # How many points of each seed lie below each point: (cells, seeds, depths, seeds).
        one = (other < own).sum(axis=-1) + (other == own).sum(axis=-1) / 2
        below.append(one)
        form = one.transpose(1, 3, 0, 2).reshape(seeds**2, cells * depths)
        sums.append((pairs @ form).reshape(draws, cells, depths))
    total = (counts @ known.transpose(1, 0, 2).reshape(seeds, -1)).reshape(draws, cells, depths)
    if not given_depth:
        total, *sums = (one.sum(axis=-1, keepdims=True) for one in (total, *sums))

    def moment(left: int, right: int) -> np.ndarray:
        form = np.einsum("cslj,cslk->sjck", below[left], below[right])
        products = (pairs @ form.reshape(seeds**2, -1)).reshape(draws, cells, seeds)
        raw = (products * counts[:, None]).sum(axis=-1)
        return raw - (sums[left] * sums[right] / np.maximum(total, 1)).sum(axis=-1)

    spread = [moment(0, 0), moment(1, 1)]
    varies = (spread[0] > _NO_SPREAD) & (spread[1] > _NO_SPREAD)
    defined = varies & (known.sum(axis=(1, 2)) >= FEWEST_POINTS)
    scale = np.sqrt(np.where(defined, spread[0] * spread[1], 1.0))
    return np.where(defined, moment(0, 1) / scale, np.nan).clip(-1, 1)
