"""Partial information decomposition after Bertschinger, Rauh, Olbrich, Jost and Ay (2014)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from .discrete import checked_distribution, mutual_information
from .least_information import least_information

TOLERANCE = 1e-7


@dataclass(frozen=True)
class Decomposition:
    """What two variables tell of a third, in nats; the four parts sum to I(X1, X2; Y).

    redundancy: told by either.
    unique_1, unique_2: told by one alone.
    synergy:    told only by both together.
    gap:        certified bound on the error: redundancy and synergy are too small, both unique
                parts too large, by one and the same amount of at most this.
    """

    redundancy: float
    unique_1: float
    unique_2: float
    synergy: float
    gap: float


def broja(joint: np.ndarray, tolerance: float = TOLERANCE) -> Decomposition:
    """Decompose I(X1, X2; Y) of a table p(x1, x2, y), (states of x1, states of x2, classes).

    I* = min of I_q(X1, X2; Y) over all q with the marginals (X1, Y) and (X2, Y) of p;
    redundancy = I(X1; Y) + I(X2; Y) - I*,  unique_1 = I* - I(X2; Y),  unique_2 = I* - I(X1; Y),
    synergy = I(X1, X2; Y) - I*.

    I* is bracketed: from above by p, and by a q of an interior-point method; from below by
    I(X1; Y), I(X2; Y) and by the dual of the same method. The search goes on until the bracket is
    narrower than ``tolerance``, or rounding stops it; ``gap`` is its width in any case. States
    that tell the same of y are merged first. With n1 and n2 distinct states of k classes, about 30
    steps of O(n1 n2 k^2 + (n1 + n2)^3 k^3) and O(n1 n2 k^2) memory.

    Raises UserError for what is not a distribution.

    >>> table = np.zeros((2, 2, 2))
    >>> for a in (0, 1):
    ...     for b in (0, 1):
    ...         table[a, b, a ^ b] = 0.25
    >>> round(broja(table).synergy / np.log(2), 6)
    1.0
    """
    joint = checked_distribution("joint", joint, 3)
    mi_joint = mutual_information(joint.reshape(-1, joint.shape[2]))
    return decomposition(joint.sum(axis=1), joint.sum(axis=0), mi_joint, tolerance)


def decomposition(
    first: np.ndarray, second: np.ndarray, mi_joint: float, tolerance: float = TOLERANCE
) -> Decomposition:
    """Return :func:`broja` of a table known by its marginals and its information.

    first, second: p(x1, y) and p(x2, y), (states, classes), with equal p(y).
    mi_joint:      I(X1, X2; Y) in nats.
    """
    first = checked_distribution("first", first, 2)
    second = checked_distribution("second", second, 2)
    if first.shape[1] != second.shape[1] or not np.allclose(
        first.sum(axis=0), second.sum(axis=0), rtol=0, atol=1e-9
    ):
        raise UserError("first and second must have the same classes with the same p(y).")
    mi_1, mi_2 = mutual_information(first), mutual_information(second)
    lower, upper = max(mi_1, mi_2), mi_joint
    if upper - lower > tolerance:
        present = first.any(axis=0)
        found = least_information(
            _distinct(first[:, present]), _distinct(second[:, present]), tolerance
        )
        lower, upper = max(lower, found.lower), min(upper, found.upper)
    # The ends of a bracket of width zero may cross by rounding.
    least = max(lower, upper)
    return Decomposition(
        redundancy=mi_1 + mi_2 - least,
        unique_1=least - mi_2,
        unique_2=least - mi_1,
        synergy=max(mi_joint - least, 0.0),
        gap=least - lower,
    )


def _distinct(table: np.ndarray) -> np.ndarray:
    """Merge the rows of p(x, y) in which x tells the same of y, to twelve digits."""
    table = table[table.sum(axis=1) > 0]
    told = (table / table.sum(axis=1, keepdims=True)).round(12)
    _, group = np.unique(told, axis=0, return_inverse=True)
    merged = np.zeros((group.max() + 1, table.shape[1]))
    np.add.at(merged, group.ravel(), table)
    return merged
