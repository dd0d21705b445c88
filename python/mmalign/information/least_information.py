"""The least information two variables can give about a third when what each gives is fixed.

Minimise F(q) = sum q(i, j, y) ln q(i, j, y) / q(i, j) = -H_q(Y | X1, X2) over the q >= 0 with given
marginals q(i, y) and q(j, y); I = H(Y) + F. F is convex and positively homogeneous, so the Lagrange
dual is linear (Makkeh, Theis and Vicente 2017): maximise

    sum a(i, y) p(i, y) + sum b(j, y) p(j, y)   where  sum over y of exp(a(i, y) + b(j, y)) <= 1

for every i and j. Any a and b become feasible by subtracting from a(i, .) the largest logarithm of
these sums over j: a rigorous lower bound, whatever the search does.

The search is a primal-dual interior-point method. With slacks s = ln q / q(i, j) - a - b >= 0 it
drives q s to shares of a falling target, by Newton steps. The shares are those of the q at which X1
and X2 are independent given y, so that cells of tiny probability do not hold it up. The Hessian of
F is diag(1 / q) less 1 / q(i, j) between the classes of a pair (i, j), so it is inverted in closed
form, and only the equations of a and b, (n1 + n2) k of them, are solved as a dense system.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import logsumexp, xlogy

from ..optional import require

MAX_STEPS = 300
SHRINK = 0.3
TO_THE_BOUNDARY = 0.9
RIDGE = 1e-13
"""Added to the equations' unit diagonal: near the optimum rounding makes them indefinite."""


@dataclass(frozen=True)
class Bracket:
    """The least information is in lower .. upper, in nats."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        return self.upper - self.lower

    def narrowed(self, other: Bracket) -> Bracket:
        return Bracket(max(self.lower, other.lower), min(self.upper, other.upper))


def least_information(first: np.ndarray, second: np.ndarray, tolerance: float) -> Bracket:
    """Bracket min I_q(X1, X2; Y) over q with marginals p(x1, y) and p(x2, y).

    first, second: (n1, k) and (n2, k) float64 with equal column sums, no empty row or column.
    Stops when the bracket is narrower than ``tolerance``, after 300 steps, or where rounding leaves
    no direction to go. Both ends are bounds up to the rounding of float64 sums.
    """
    # With one thread: the bits of a factorisation depend on how many share it.
    with require("threadpoolctl", "the decomposition").threadpool_limits(1):
        search = _Search(first, second)
        best = search.bracket()
        for _ in range(MAX_STEPS):
            if best.width <= tolerance:
                break
            try:
                search.step()
            except LinAlgError:
                break
            best = best.narrowed(search.bracket())
    return best


class _Search:
    """A positive q with the given marginals, multipliers a and b, and slacks, as they move.

    Cells that no q can fill, where p(i, y) or p(j, y) is 0, hold q = 0 and slack = 0 throughout.
    """

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        self.first, self.second = first, second
        classes = first.sum(axis=0)
        self.entropy = -xlogy(classes, classes).sum()
        self.support = (first[:, None] > 0) & (second[None] > 0)
        self.q = first[:, None] * second[None] / classes
        self.shares = self.q
        # Both of the multipliers and the slacks fit this q exactly; within a pair (i, j) the slack
        # is the same for every class.
        self.a = _log(first) - _log(first.sum(axis=1, keepdims=True))
        self.b = _log(second) - _log(classes)
        slack = self._log_told(self.q) - self._sum_of_multipliers()
        least = np.where(self.support, slack, np.inf).min(axis=(1, 2))
        self.a += (least - 1.0)[:, None]
        self.slack = np.where(self.support, slack - (least - 1.0)[:, None, None], 0.0)

    def bracket(self) -> Bracket:
        sums = np.where(self.support, self._sum_of_multipliers(), -np.inf)
        excess = logsumexp(sums, axis=2).max(axis=1)
        dual = np.sum(self.a * self.first) + np.sum(self.b * self.second)
        dual -= excess @ self.first.sum(axis=1)
        # Rounding moves the marginals. What is too much is scaled off. What is then missing could
        # be filled in, which only lowers F, for F(q + r) <= F(q) + F(r) and F(r) <= 0.
        q = self.q * _at_most_one(self.first, self.q.sum(axis=1))[:, None]
        q = q * _at_most_one(self.second, q.sum(axis=0))[None]
        primal = np.sum(q * self._log_told(q))
        return Bracket(float(self.entropy + dual), float(self.entropy + primal))

    def step(self) -> None:
        """Move by one Newton step towards q slack = SHRINK (its present sum) shares."""
        target = SHRINK * np.sum(self.q * self.slack) * self.shares
        inverse = _InverseHessian(self.q, self.slack)
        # target / q, 0 outside of the support, as are all that follow.
        wanted_slack = np.divide(target, self.q, out=np.zeros_like(self.q), where=self.support)
        fault = np.where(
            self.support, self._sum_of_multipliers() + wanted_slack - self._log_told(self.q), 0.0
        )
        without_multipliers = inverse.apply(fault)
        missing_1 = self.first - (self.q + without_multipliers).sum(axis=1)
        missing_2 = self.second - (self.q + without_multipliers).sum(axis=0)
        step_a, step_b = inverse.multipliers(missing_1, missing_2)
        step_q = inverse.apply(fault + np.where(self.support, _pairs(step_a, step_b), 0.0))
        relative = np.divide(step_q, self.q, out=np.zeros_like(self.q), where=self.support)
        step_slack = wanted_slack - self.slack * (1.0 + relative)
        primal, dual = _length(self.q, step_q), _length(self.slack, step_slack)
        self.q = self.q + primal * step_q
        self.slack = self.slack + dual * step_slack
        self.a = self.a + dual * step_a
        self.b = self.b + dual * step_b

    def _sum_of_multipliers(self) -> np.ndarray:
        return _pairs(self.a, self.b)

    def _log_told(self, q: np.ndarray) -> np.ndarray:
        """Return ln q(y | i, j), 0 outside of the support."""
        return _log(q) - np.where(self.support, _log(q.sum(axis=2, keepdims=True)), 0.0)


class _InverseHessian:
    """The inverse of diag((1 + slack) / q) - 1 / q(i, j), one k x k block per pair (i, j).

    By Sherman and Morrison a block is diag(w) + scale w w^T with w = q / (1 + slack) and
    1 / scale = q(i, j) - sum of w = sum of q slack / (1 + slack), free of cancellation.
    """

    def __init__(self, q: np.ndarray, slack: np.ndarray) -> None:
        self.diagonal = q / (1.0 + slack)
        self.scaled = self.diagonal / (self.diagonal * slack).sum(axis=2, keepdims=True)

    def apply(self, cells: np.ndarray) -> np.ndarray:
        weighted = self.diagonal * cells
        return weighted + self.scaled * weighted.sum(axis=2, keepdims=True)

    def multipliers(
        self, missing_1: np.ndarray, missing_2: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return changes of a and b after which q's marginals grow by what is missing."""
        n1, n2, k = self.diagonal.shape
        equations = self._equations()
        root = np.sqrt(equations.diagonal())
        # A state that never meets a class has no equation there: its row is empty.
        scale = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
        equations *= scale[:, None]
        equations *= scale
        # A constant moved from a(., y) to b(., y) changes nothing; it is held at 0.
        constants = np.repeat([1.0, -1.0], [n1, n2])[:, None, None] * np.eye(k)
        constants = root[:, None] * constants.reshape(-1, k)
        constants /= np.linalg.norm(constants, axis=0)
        equations += constants @ constants.T
        equations[np.diag_indices_from(equations)] += np.where(root > 0, RIDGE, 1.0)
        factor = cho_factor(equations, lower=True, overwrite_a=True, check_finite=False)
        missing = np.concatenate([missing_1.ravel(), missing_2.ravel()])
        solution = scale * cho_solve(factor, scale * missing)
        step_a, step_b = np.split(solution, [missing_1.size])
        return step_a.reshape(missing_1.shape), step_b.reshape(missing_2.shape)

    def _equations(self) -> np.ndarray:
        """Return how the marginals answer to a and b: ((n1 + n2) k) squared, symmetric."""
        n1, n2, k = self.diagonal.shape
        result = np.zeros(((n1 + n2) * k, (n1 + n2) * k))
        first, second = slice(n1 * k), slice(n1 * k, None)
        y = np.arange(k)
        for part, n, axes in ((first, n1, (0, 1)), (second, n2, (1, 0))):
            states = np.arange(n)
            diagonal = self.diagonal.transpose(*axes, 2)
            block = diagonal.transpose(0, 2, 1) @ self.scaled.transpose(*axes, 2)
            block[:, y, y] += diagonal.sum(axis=1)
            result[part, part].reshape(n, k, n, k)[states, :, states, :] = block
        mixed = self.diagonal.transpose(0, 2, 1)[..., None] * self.scaled[:, None]
        mixed[:, y, :, y] += self.diagonal.transpose(2, 0, 1)
        result[first, second] = mixed.reshape(n1 * k, n2 * k)
        result[second, first] = result[first, second].T
        return result


def _pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, None] + b[None]


def _log(values: np.ndarray) -> np.ndarray:
    """Return the logarithm, 0 where a value is 0."""
    return np.log(np.where(values > 0, values, 1.0))


def _at_most_one(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.minimum(1.0, np.divide(wanted, found, out=np.ones_like(found), where=found > 0))


def _length(values: np.ndarray, step: np.ndarray) -> float:
    """Return the share of a step, at most 1, that keeps positive values positive."""
    falling = step < 0
    nearest = (-values[falling] / step[falling]).min(initial=np.inf)
    return min(1.0, TO_THE_BOUNDARY * float(nearest))
