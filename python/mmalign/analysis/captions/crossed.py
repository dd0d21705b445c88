"""Bootstrap over captions and language models at once.

A replicate draws captions and language models with replacement, and a pair of them counts as often
as the product of its counts (Owen, "The pigeonhole bootstrap", 2007). With fewer than four language
models only the captions are drawn: the interval then says nothing of other models. The neighbours
of a caption are other captions, which the bootstrap takes as they are.
"""

from __future__ import annotations

import functools
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

    Deterministic. Memory: (resamples, captions) int32, kept for the next call.
    """
    value = float(statistic(np.ones((1, captions)), np.ones((1, models)))[0])
    if not np.isfinite(value):
        return Estimate(np.nan, np.nan, np.nan, "one of the two does not vary")
    of_captions, of_models = _counts(captions, models, seed, resamples)
    replicates = np.concatenate(
        [
            statistic(of_captions[rows].astype(float), of_models[rows].astype(float))
            for rows in (slice(start, start + _CHUNK) for start in range(0, resamples, _CHUNK))
        ]
    )
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < resamples / 2:
        reason = "too few captions or models for a bootstrap interval"
        return Estimate(value, np.nan, np.nan, reason)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))


# Drawing takes longer than most statistics do, and those of one study share their size.
@functools.lru_cache(maxsize=4)
def _counts(captions: int, models: int, seed: int, resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """(resamples, captions) and (resamples, models) int32: how often each counts."""
    generator = np.random.default_rng(seed)
    of_captions = generator.multinomial(captions, np.full(captions, 1 / captions), resamples)
    of_models = np.ones((resamples, models))
    if resamples_models(models):
        of_models = generator.multinomial(models, np.full(models, 1 / models), resamples)
    return of_captions.astype(np.int32), of_models.astype(np.int32)


def resamples_models(models: int) -> bool:
    """Whether language models are drawn anew, too."""
    return models >= FEWEST_POINTS
