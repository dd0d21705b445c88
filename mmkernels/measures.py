"""Metrics by name, for configuration files and command lines."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ._arrays import Array
from .alignment import cka, hsic
from .cknna import cknna
from .correlation_matrices import cmd
from .distance import distance_correlation
from .overlap import cycle_knn, jaccard_knn, mutual_knn
from .predictivity import linear_predictivity, linear_regression
from .ranks import rank_similarity
from .rsa import rsa
from .second_order import second_order_cosine
from .sequences import edit_distance_knn, lcs_knn
from .shapes import angular_shape_distance, procrustes, procrustes_distance
from .subspaces import cca, pwcca, svcca

_MEASURES: dict[str, Callable[..., Array]] = {
    "mutual_knn": mutual_knn,
    "jaccard_knn": jaccard_knn,
    "cycle_knn": cycle_knn,
    "lcs_knn": lcs_knn,
    "edit_distance_knn": edit_distance_knn,
    "rank_similarity": rank_similarity,
    "second_order_cosine": second_order_cosine,
    "cknna": cknna,
    "cka": partial(cka, unbiased=False),
    "unbiased_cka": partial(cka, unbiased=True),
    "hsic": partial(hsic, unbiased=False),
    "unbiased_hsic": partial(hsic, unbiased=True),
    "cca": cca,
    "svcca": svcca,
    "pwcca": pwcca,
    "procrustes": procrustes,
    "procrustes_distance": procrustes_distance,
    "angular_shape_distance": angular_shape_distance,
    "rsa": rsa,
    "linear_predictivity": linear_predictivity,
    "linear_regression": linear_regression,
    "distance_correlation": distance_correlation,
    "cmd": cmd,
}


def measures() -> tuple[str, ...]:
    """The names :func:`measure` knows.

    >>> "mutual_knn" in measures()
    True
    """
    return tuple(_MEASURES)


def measure(name: str, x: Array, y: Array, **options: Any) -> Array:
    """The metric called ``name`` of x and y; options are those of the function of that family.

    The names are the field's: "cka" is the biased estimate and "unbiased_cka" the unbiased one
    (the function :func:`mmkernels.cka` is unbiased unless told otherwise).

    >>> import numpy as np
    >>> round(float(measure("cka", np.eye(5), np.eye(5))), 6)
    1.0
    """
    if name not in _MEASURES:
        raise ValueError(f"There is no measure {name!r}; there are {', '.join(measures())}.")
    return _MEASURES[name](x, y, **options)
