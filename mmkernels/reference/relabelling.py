"""Random relabellings of samples, and what is left of two representations' alikeness by them."""

from __future__ import annotations

import numpy as np

from .neighbors import mutual_knn

ROUNDS = 12


def mutual_knn_null(x, y, *, k=10, permutations=200, seed=0, metric="cosine"):
    """mutual_knn of x with y whose rows are in another order, for each of the relabellings."""
    orders = [relabelling(len(x), number, seed=seed) for number in range(permutations)]
    return np.array([mutual_knn(x, y[order], k=k, metric=metric) for order in orders])


def relabelling(n, number=0, *, seed=0):
    """A Feistel network on the smallest domain that holds n, applied until there is a sample."""
    bits = max(6, (n - 1).bit_length())
    low_bits = bits // 2
    high_bits = bits - low_bits
    state = mixed_bits(seed) ^ mixed_bits(~number % 2**64)
    rounds = []
    for _ in range(ROUNDS):
        state = mixed_bits(state)
        rounds.append((np.uint32(state >> 32), np.uint32(state % 2**32 | 1)))

    def step(labels):
        low, high = labels & np.uint32(2**low_bits - 1), labels >> np.uint32(low_bits)
        for (key_low, odd_low), (key_high, odd_high) in zip(rounds[::2], rounds[1::2], strict=True):
            low = low ^ ((high ^ key_low) * odd_low >> np.uint32(32 - low_bits))
            high = high ^ ((low ^ key_high) * odd_high >> np.uint32(32 - high_bits))
        return high << np.uint32(low_bits) | low

    labels = step(np.arange(n, dtype=np.uint32))
    while (labels >= n).any():
        labels = np.where(labels >= n, step(labels), labels)
    return labels.astype(np.int64)


def mixed_bits(state):
    """Vigna's splitmix64."""
    state = (state + 0x9E3779B97F4A7C15) % 2**64
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)
