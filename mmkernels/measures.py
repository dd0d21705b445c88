"""Metrics by name, for configuration files and command lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._arrays import Array, as_input, same_samples
from ._dispatch import in_device_memory
from .alignment import cka, cka_matrix, hsic
from .cknna import cknna
from .correlation_matrices import cmd
from .distance import distance_correlation
from .gram import Gram, prepare_gram
from .neighbors import Neighbors, knn
from .overlap import cycle_knn, jaccard_knn, mutual_knn, mutual_knn_matrix
from .predictivity import linear_predictivity, linear_regression
from .ranks import rank_similarity
from .rsa import rsa
from .second_order import second_order_cosine
from .sequences import edit_distance_knn, lcs_knn
from .shapes import angular_shape_distance, procrustes, procrustes_distance
from .subspaces import cca, pwcca, svcca, svcca_matrix


def _cka(x: Array, y: Array, **options: Any) -> Array:
    return cka(x, y, unbiased=False, **options)


def _unbiased_cka(x: Array, y: Array, **options: Any) -> Array:
    return cka(x, y, unbiased=True, **options)


def _cka_matrix(xs: Sequence[Array], ys: Sequence[Array] | None, **options: Any) -> Array:
    return cka_matrix(xs, ys, unbiased=False, **options)


def _hsic(x: Array, y: Array, **options: Any) -> Array:
    return hsic(x, y, unbiased=False, **options)


def _unbiased_hsic(x: Array, y: Array, **options: Any) -> Array:
    return hsic(x, y, unbiased=True, **options)


_MEASURES: dict[str, Callable[..., Array]] = {
    "mutual_knn": mutual_knn,
    "jaccard_knn": jaccard_knn,
    "cycle_knn": cycle_knn,
    "lcs_knn": lcs_knn,
    "edit_distance_knn": edit_distance_knn,
    "rank_similarity": rank_similarity,
    "second_order_cosine": second_order_cosine,
    "cknna": cknna,
    "cka": _cka,
    "unbiased_cka": _unbiased_cka,
    "hsic": _hsic,
    "unbiased_hsic": _unbiased_hsic,
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
# Their names say which estimate they are.
_ESTIMATES = ("cka", "unbiased_cka", "hsic", "unbiased_hsic")

# What one representation brings to every comparison it takes part in.
_ON_LISTS = (
    "mutual_knn",
    "jaccard_knn",
    "cycle_knn",
    "lcs_knn",
    "edit_distance_knn",
    "rank_similarity",
)
_ON_KERNELS = ("hsic", "unbiased_hsic")
_MATRICES: dict[str, Callable[..., Array]] = {
    "mutual_knn": mutual_knn_matrix,
    "cka": _cka_matrix,
    "unbiased_cka": cka_matrix,
    "svcca": svcca_matrix,
}


def measures() -> tuple[str, ...]:
    """The names :func:`measure` and :func:`measure_matrix` know; distances end in "_distance".

    >>> "mutual_knn" in measures()
    True
    """
    return tuple(_MEASURES)


def measure(name: str, x: Array, y: Array, **options: Any) -> Array:
    """The metric called ``name`` of x and y; options are those of the function of that family.

    The names are the field's: "cka" is the biased estimate and "unbiased_cka" the unbiased one
    (the function :func:`mmkernels.cka` is unbiased unless told otherwise); so for "hsic". These
    names take no ``unbiased`` and no ``estimator``: call ``mmkernels.cka(x, y, estimator=...)`` for
    others.

    >>> import numpy as np
    >>> round(float(measure("cka", np.eye(5), np.eye(5))), 6)
    1.0
    """
    return _named(name, options)(x, y, **options)


def measure_matrix(
    name: str, xs: Sequence[Array], ys: Sequence[Array] | None = None, **options: Any
) -> Array:
    """The metric called ``name`` of every x with every y, as between all layers of two models.

    Neighbours are searched, and kernels prepared, once per representation; metrics that share
    nothing between comparisons are computed pair by pair.

    Parameters
    ----------
    name : one of :func:`measures`.
    xs, ys : sequences (or iterators) of (n, d) arrays of any widths, or of what the metric takes
        in their place; ``ys`` defaults to ``xs``.
    options : those of the metric, as for :func:`measure`. Where ``zero_rows="exclude"`` leaves
        samples out, those of each pair are, and nothing is shared between pairs.

    Returns a (len(xs), len(ys)) float64 array of the library of ``xs[0]``. Tensors are read as
    constants: it has no gradient.

    >>> x = np.random.default_rng(0).normal(size=(20, 5))
    >>> measure_matrix("cycle_knn", [x, -x], [x, x**3, x**2], k=3).shape
    (2, 3)
    """
    function = _named(name, options)
    xs, ys = list(xs), None if ys is None else list(ys)
    if name in _MATRICES and "zero_rows" not in options:
        return _MATRICES[name](xs, ys, **options)
    left = _representations("xs", xs)
    right = left if ys is None else _representations("ys", ys)
    same_samples(*left, *right)
    wrap = left[0].wrap
    prepare, options = _preparation(name, options)
    prepared = [prepare(x) for x in left]
    others = prepared if ys is None else [prepare(y) for y in right]
    return wrap(np.array([[float(function(x, y, **options)) for y in others] for x in prepared]))


def _named(name: str, options: dict[str, Any]) -> Callable[..., Array]:
    if not isinstance(name, str) or name not in _MEASURES:
        raise ValueError(f"There is no measure {name!r}; there are {', '.join(measures())}.")
    for option in ("unbiased", "estimator"):
        if name in _ESTIMATES and option in options:
            function = name.removeprefix("unbiased_")
            raise TypeError(
                f"The measure {name!r} takes no {option}: its name says which estimate it is, "
                f"{function!r} the biased and 'unbiased_{function}' the unbiased one; call "
                f"mmkernels.{function}(x, y, {option}={options[option]!r}) for others."
            )
    return _MEASURES[name]


def _representations(name: str, given: Sequence[Array]) -> list[Any]:
    if len(given) == 0:
        raise ValueError("xs and ys must each hold at least one representation.")
    return [
        x if isinstance(x, Neighbors | Gram) else _checked(f"{name}[{i}]", x)
        for i, x in enumerate(given)
    ]


def _checked(name: str, x: Array) -> Any:
    if not in_device_memory(x):
        return as_input(name, x)
    from .cuda._arrays import as_device_input

    return as_device_input(name, x)


def _preparation(name: str, options: dict[str, Any]) -> tuple[Callable[[Any], Any], dict[str, Any]]:
    """What to do with each representation once, and the options left for the comparisons."""
    # Which samples are left out depends on both sides, so that nothing can be searched before.
    if name in _ON_LISTS and options.get("zero_rows", "raise") == "raise":
        chosen = {key: value for key, value in options.items() if key != "metric"}
        k, metric = options.get("k", 10), options.get("metric", "cosine")
        return (lambda x: x if isinstance(x, Neighbors) else knn(x, k, metric=metric)), chosen
    if name in _ON_KERNELS:
        kernel = {key: options[key] for key in ("kernel", "sigma") if key in options}
        rest = {key: value for key, value in options.items() if key not in kernel}
        return (lambda x: x if isinstance(x, Gram) else prepare_gram(x, **kernel)), rest
    return (lambda x: x), options
