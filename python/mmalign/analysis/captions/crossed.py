"""Bootstrap over captions and language models at once.

A replicate draws captions and language models with replacement, and a pair of them counts as often
as the product of its counts (Owen, "The pigeonhole bootstrap", 2007). With fewer than four language
models only the captions are drawn: the interval then says nothing of other models. The neighbours
of a caption are other captions, which the bootstrap takes as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..intervals import FEWEST_POINTS, LEVEL, Estimate

RESAMPLES = 1999
_CHUNK = 200

#: (captions' counts (replicates, n), models' counts (replicates, models)) -> (replicates,)
Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]


def crossed_estimate(
    statistic: Statistic, captions: int, models: int, *, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """A statistic of (models, captions) data with its 95 percent percentile interval.

    Deterministic. Memory: some arrays of (200, captions).
    """
    value = float(statistic(np.ones((1, captions)), np.ones((1, models)))[0])
    if not np.isfinite(value):
        return Estimate(np.nan, np.nan, np.nan, "one of the two does not vary")
    generator = np.random.default_rng(seed)
    parts = []
    for start in range(0, resamples, _CHUNK):
        count = min(_CHUNK, resamples - start)
        of_captions = generator.multinomial(captions, np.full(captions, 1 / captions), size=count)
        of_models = np.ones((count, models))
        if resamples_models(models):
            of_models = generator.multinomial(models, np.full(models, 1 / models), size=count)
        parts.append(statistic(of_captions.astype(float), of_models.astype(float)))
    replicates = np.concatenate(parts)
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < resamples / 2:
        reason = "too few captions or models for a bootstrap interval"
        return Estimate(value, np.nan, np.nan, reason)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))


def resamples_models(models: int) -> bool:
    """Whether language models are drawn anew, too."""
    return models >= FEWEST_POINTS
