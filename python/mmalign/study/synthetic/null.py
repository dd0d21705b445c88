"""The null of the best layer pair: what it would score if the samples were paired at random.

One permutation of the samples is applied to all layers of one side, and the best pair is taken
again, as it was on the data; calibrating every pair first and taking the best then would not
account for the choice (Groger, Wen and Brbic 2026, algorithms 1 and 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .layers import Layers, best_scores


def null_maxima(
    layers_1: Layers,
    layers_2: Layers,
    depths_1: Sequence[int],
    depths_2: Sequence[int],
    permutations: int,
    seed: int,
) -> np.ndarray:
    """Best score of every two encoders under each permutation.

    Returns (permutations, len(depths_1), len(depths_2)) float64. The permutations depend on
    ``seed`` and the number of samples alone. Cost: one score matrix a permutation; neighbours and
    the kernels of view 2 are not computed again.
    """
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(permutations):
        permuted = layers_1.permuted(generator.permutation(layers_1.samples))
        found.append(best_scores(permuted.scores(layers_2), depths_1, depths_2))
    return np.array(found).reshape(permutations, len(depths_1), len(depths_2))
