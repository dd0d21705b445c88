"""Learning rates and weight decays by redundancy, as published."""

from __future__ import annotations

from ..hyperparameters import Hyperparameters

#: (redundancy, view) -> what the authors of arXiv 2502.16282 published (hyp/rus_prob of their
#: repository): the best of 8 trials of a search over learning rates .001, .005, .01, .05 and weight
#: decays 0, .0001, .001, .01, .1.
PUBLISHED: dict[tuple[int, int], Hyperparameters] = {
    (0, 1): Hyperparameters(0.005, 0.1),
    (1, 1): Hyperparameters(0.001, 1e-4),
    (2, 1): Hyperparameters(0.005, 0.1),
    (3, 1): Hyperparameters(0.01, 1e-3),
    (4, 1): Hyperparameters(0.005, 0.1),
    (5, 1): Hyperparameters(0.01, 1e-3),
    (6, 1): Hyperparameters(0.005, 0.1),
    (7, 1): Hyperparameters(0.005, 0.1),
    (8, 1): Hyperparameters(0.001, 1e-4),
    **{(redundancy, 2): Hyperparameters(0.01, 0.0) for redundancy in (0, 1, 2, 3, 4, 6, 7, 8)},
    (5, 2): Hyperparameters(0.01, 1e-4),
}
