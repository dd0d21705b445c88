"""Mutual information and Bayes accuracy of a known joint table."""

from __future__ import annotations

import numpy as np

from ..errors import UserError


def mutual_information(joint: np.ndarray) -> float:
    """Return I(X; Y) in nats of a table p(x, y), (states, classes).

    sum p(x, y) ln(p(x, y) / (p(x) p(y))), terms with p(x, y) = 0 being 0. Never below 0.
    Raises UserError for what is not a distribution.
    """
    joint = checked_distribution("joint", joint, 2)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    present = joint > 0
    return max(float(np.sum(joint[present] * np.log(joint[present] / independent[present]))), 0.0)


def bayes_accuracy(joint: np.ndarray) -> float:
    """Return the best possible accuracy of a guess of y from x: sum over x of max over y p(x, y).

    joint: p(x, y), (states, classes). Raises UserError for what is not a distribution.
    """
    return float(checked_distribution("joint", joint, 2).max(axis=1).sum())


def checked_distribution(name: str, table: np.ndarray, axes: int) -> np.ndarray:
    """Return ``table`` as float64, or raise UserError unless it is >= 0 and sums to 1."""
    table = np.asarray(table, dtype=np.float64)
    if table.ndim != axes or table.size == 0:
        raise UserError(f"{name} must have {axes} axes and be not empty, got shape {table.shape}.")
    if not np.isfinite(table).all() or table.min() < 0:
        raise UserError(f"{name} must hold probabilities, got negative or non-finite numbers.")
    if abs(table.sum() - 1.0) > 1e-9:
        raise UserError(f"{name} must sum to 1, got {table.sum():.12g}.")
    return table
