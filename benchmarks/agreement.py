"""Whether an answer is right, so that a fast wrong one cannot win."""

from __future__ import annotations

import numpy as np
from contest import Verdict
from peers.problem import shared

from mmkernels import reference

# Spread over all rows: a float64 search of all of them would take longer than the contest.
SAMPLED_ROWS = 64
# Similarities of float64 that differ by less are one similarity.
TIE = 1e-12
# float32 cannot order all near ties.
FLOAT32_DIFFERS = 1e-3


def exact_neighbors(x: np.ndarray, found: np.ndarray, metric: str = "cosine") -> Verdict:
    """A sample of the (n, k) lists against float64: the same similarities, best first."""
    rows = np.unique(np.linspace(0, len(x) - 1, SAMPLED_ROWS).astype(int))
    own = np.arange(len(rows)), rows
    similarities = reference.scores(x[rows], x, metric)
    similarities[own] = -np.inf
    found = found[rows]
    best = -np.sort(-similarities, axis=1)[:, : found.shape[1]]
    reached = np.take_along_axis(similarities, found, axis=1)
    wrong = (np.abs(reached - best) > TIE * np.abs(best)).any(axis=1)
    in_order = np.sort(found, axis=1)
    wrong |= (in_order[:, 1:] == in_order[:, :-1]).any(axis=1)
    return Verdict(not wrong.any(), wrong.mean(), f"share of {len(rows)} rows unlike float64")


def common_neighbors(found: np.ndarray, ours: np.ndarray) -> Verdict:
    """A float32 peer's lists, as sets, against ours."""
    difference = 1 - shared(found, ours)
    return Verdict(difference <= FLOAT32_DIFFERS, difference, "share of neighbours unlike ours")


def same_score(score: float, ours: float, tolerance: float) -> Verdict:
    return Verdict(abs(score - ours) <= tolerance, score - ours, "score minus ours")


def same_scores(scores: np.ndarray, ours: np.ndarray, tolerance: float) -> Verdict:
    largest = np.abs(np.asarray(scores) - np.asarray(ours)).max()
    return Verdict(largest <= tolerance, largest, "largest difference from ours")
