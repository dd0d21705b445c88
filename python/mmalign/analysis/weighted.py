"""Correlations of weighted points, for many weightings at once.

A bootstrap replicate is the sample with each point counted some whole number of times, so a
correlation that accepts weights computes all replicates in a few matrix products.
"""

from __future__ import annotations

import numpy as np

# Below this share of its own spread, what is left of a variable after regression is rounding.
_RELATIVE_RESIDUAL = 1e-10


def weighted_midranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ranks of each point in the weighted sample, ties sharing their mean rank.

    ``values`` is (points,), ``weights`` (replicates, points) of whole counts; returns
    (replicates, points). For counts this is the rank every copy of the point has in the expanded
    sample, less one half.
    """
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    totals = np.add.reduceat(weights[:, order], starts, axis=1)
    below = np.cumsum(totals, axis=1) - totals
    return (below + totals / 2)[:, group]


def weighted_correlation(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, controls: np.ndarray | None = None
) -> np.ndarray:
    """Pearson correlation of x and y under each row of weights, given the controls.

    ``x`` and ``y`` are (points,) or (replicates, points); ``controls`` is (count, points) or
    (count, replicates, points): the correlation is then that of what linear regression on the
    controls leaves of x and y. Returns (replicates,); NaN where x or y, or what is left of them,
    does not vary.
    """
    rows = [x, y, *(controls if controls is not None else ())]
    total = weights.sum(axis=1, keepdims=True)
    centred = []
    for row in rows:
        full = np.broadcast_to(row, weights.shape)
        centred.append(full - (weights * full).sum(axis=1, keepdims=True) / total)
    variables = np.stack(centred, axis=1)
    covariance = np.einsum("rip,rp,rjp->rij", variables, weights, variables, optimize=True)
    # On a common scale one relative cut-off serves variables of any unit.
    spread = np.sqrt(np.einsum("rii->ri", covariance))
    magnitude = np.stack([np.abs(np.broadcast_to(row, weights.shape)).max(axis=1) for row in rows])
    constant = spread <= 1e-12 * magnitude.T * np.sqrt(total)
    scale = np.where(constant, 1.0, spread)
    correlation = covariance / (scale[:, :, None] * scale[:, None, :])
    correlation[constant[:, :, None] | constant[:, None, :]] = 0.0
    left = correlation[:, :2, :2]
    if len(rows) > 2:
        cross = correlation[:, :2, 2:]
        inverse = np.linalg.pinv(correlation[:, 2:, 2:], rcond=1e-10, hermitian=True)
        left = left - cross @ inverse @ cross.transpose(0, 2, 1)
    remaining = left[:, 0, 0].clip(0) * left[:, 1, 1].clip(0)
    defined = (left[:, 0, 0] > _RELATIVE_RESIDUAL) & (left[:, 1, 1] > _RELATIVE_RESIDUAL)
    result = np.full(len(weights), np.nan)
    result[defined] = left[defined, 0, 1] / np.sqrt(remaining[defined])
    return result.clip(-1.0, 1.0)


def correlation_of(
    statistic: str,
    x: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    controls: np.ndarray | None = None,
) -> np.ndarray:
    """``"pearson"`` or ``"spearman"`` under each row of weights; partial if controls are given.

    The partial Spearman correlation is the partial Pearson correlation of the ranks, the
    controls' ranks included.
    """
    if statistic == "pearson":
        return weighted_correlation(x, y, weights, controls)
    if statistic != "spearman":
        raise ValueError(f'statistic is {statistic!r}; allowed are "pearson" and "spearman".')
    ranked = None
    if controls is not None:
        ranked = np.stack([weighted_midranks(control, weights) for control in controls])
    return weighted_correlation(
        weighted_midranks(x, weights), weighted_midranks(y, weights), weights, ranked
    )
