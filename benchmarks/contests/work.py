"""The least multiply-adds that a definition asks for: every unordered pair of samples once."""

from __future__ import annotations


def pairs(n: int, d: int) -> int:
    """Of one representation."""
    return n * (n - 1) // 2 * d


def linear(n: int, d: int, representations: int = 2) -> int:
    """Linear kernels may be compared in feature space: X'Y of every two representations, and the
    symmetric X'X of each."""
    features = representations**2 * n * d * d // 2
    return min(representations * pairs(n, d), features)
