"""The alignment metrics a study can ask for, over blocks of representations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mmkernels

from ..errors import UserError
from .preparation import PREPARATION, check_preparation, prepare_rows

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Metric:
    """One metric of mmkernels, under its name there.

    defaults:   every option and its value when left out; these and no others are allowed.
    prepare:    (representation (n, d), options) -> what ``matrix`` takes; see :func:`prepare`.
    matrix:     (prepared a, prepared b, options) -> (len(a), len(b)) float64 scores.
    chance:     (n, options) -> expected score of unrelated representations.
    smallest_n: options -> fewest samples the metric is defined for.
    """

    defaults: dict[str, Any]
    prepare: Callable[[np.ndarray, Options], Any]
    matrix: Callable[[Sequence[Any], Sequence[Any], Options], np.ndarray]
    chance: Callable[[int, Options], float | None]
    smallest_n: Callable[[Options], int]


METRICS: dict[str, Metric] = {
    "mutual_knn": Metric(
        defaults={"k": 10, "metric": "cosine"},
        prepare=lambda x, o: mmkernels.knn(x, o["k"], metric=o["metric"]),
        matrix=lambda a, b, o: mmkernels.mutual_knn_matrix(a, b, k=o["k"], metric=o["metric"]),
        chance=lambda n, o: o["k"] / (n - 1),
        smallest_n=lambda o: o["k"] + 1,
    ),
    "cka": Metric(
        defaults={"kernel": "linear", "sigma": None, "unbiased": True},
        prepare=lambda x, o: mmkernels.prepare_gram(x, kernel=o["kernel"], sigma=o["sigma"]),
        matrix=lambda a, b, o: mmkernels.cka_matrix(a, b, unbiased=o["unbiased"]),
        # The biased estimate has a positive expectation that depends on both spectra.
        chance=lambda n, o: 0.0 if o["unbiased"] else None,
        smallest_n=lambda o: 4 if o["unbiased"] else 2,
    ),
}


def complete_options(metric: str, options: Options) -> dict[str, Any]:
    """Fill in the defaults of a metric; raises UserError for names and values it does not have.

    The options of :mod:`mmalign.study.preparation` are of every metric and have no defaults.
    """
    if metric not in METRICS:
        raise UserError(f"There is no metric {metric!r}; choose among {', '.join(METRICS)}.")
    defaults = METRICS[metric].defaults
    for name in options:
        if name not in (*defaults, *PREPARATION):
            raise UserError(
                f"The metric {metric!r} has no option {name!r}; it has "
                f"{', '.join((*defaults, *PREPARATION))}."
            )
    complete = {**defaults, **options}
    k = complete.get("k", 1)
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise UserError(f"k must be an integer of at least 1, got {k!r}.")
    if complete.get("kernel") == "rbf" and complete["sigma"] is None:
        complete["sigma"] = "median"
    check_preparation(complete, smallest_n(metric, complete))
    return complete


def prepare(metric: str, representation: np.ndarray, options: Options) -> Any:
    """Return what :attr:`Metric.matrix` takes of a representation (n, d); done once for each.

    Raises ValueError where the metric is not defined for it.
    """
    return METRICS[metric].prepare(prepare_rows(representation, options), options)


def smallest_n(metric: str, options: Options) -> int:
    """Return the fewest samples for which the metric is defined."""
    return METRICS[metric].smallest_n(options)


def chance_level(metric: str, options: Options, n: int) -> float | None:
    """Return the expected score of unrelated representations of n samples; None if not known."""
    return METRICS[metric].chance(n, options)
