"""Stands in for ``prepare_features`` and ``compute_score`` of platonic-rep's scripts.

The best of all pairs of layers of two models. Neighbours are searched once per layer and kernel
matrices are centred once; a model with 32 layers against one with 24 takes 56 searches, not 1,536.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

import mmkernels

from .._arrays import Input, as_input
from .platonic import AlignmentMetrics, Tensor, _host, remove_outliers

Layers = Tensor | Sequence[Tensor]
_ON_LISTS = ("cycle_knn", "mutual_knn", "lcs_knn", "edit_distance_knn")


def prepare_features(feats: Layers, q: float = 0.95, exact: bool = False) -> Layers:
    """:func:`remove_outliers` of the features in float32, or of each layer in a list of them.

    >>> prepare_features([torch.ones(2, 3), torch.ones(2, 5)])[1].shape
    torch.Size([2, 5])
    """
    if isinstance(feats, Tensor):
        return remove_outliers(feats.float(), q=q, exact=exact)
    return [remove_outliers(layer.float(), q=q, exact=exact) for layer in feats]


def compute_score(
    x_feats: Layers,
    y_feats: Layers,
    metric: str = "mutual_knn",
    topk: int = 10,
    normalize: bool = True,
) -> tuple[float, tuple[int, int]]:
    """The highest score of a layer of x with a layer of y, and which two layers have it.

    Parameters
    ----------
    x_feats, y_feats : (n, layers, d) tensors, or lists of (n, d) tensors of any widths.
    metric : one of ``AlignmentMetrics.SUPPORTED_METRICS``.
    topk : neighbours, for the metrics that take any.
    normalize : divide every row by its length first.

    Returns the score and (layer of x, layer of y), the first such pair where several score the
    same; a best score may be negative. Raises ValueError where a score is not a number, and for
    a zero row where its neighbours are asked for by direction.

    The maximum over many pairs is above chance even for unrelated models; compare it with the
    maximum of scores of shuffled samples.

    >>> layers = torch.eye(6).reshape(6, 1, 6).repeat(1, 3, 1) + 0.1
    >>> compute_score(layers, layers, topk=2)
    (1.0, (0, 0))
    """
    if metric not in AlignmentMetrics.SUPPORTED_METRICS:
        names = ", ".join(AlignmentMetrics.SUPPORTED_METRICS)
        raise ValueError(f"There is no metric {metric!r}; there are {names}.")
    sides = _layers("x_feats", x_feats), _layers("y_feats", y_feats)
    scores = _scores(*sides, metric, topk, normalize)
    if np.isnan(scores).any():
        i, j = np.argwhere(np.isnan(scores))[0]
        raise ValueError(f"{metric} of layer {i} of x_feats and layer {j} of y_feats is NaN.")
    best = np.unravel_index(np.argmax(scores), scores.shape)
    return float(scores[best]), (int(best[0]), int(best[1]))


def _layers(name: str, feats: Layers) -> list[Tensor]:
    if isinstance(feats, Tensor):
        if feats.ndim != 3:
            raise ValueError(
                f"{name} must be (n_samples, n_layers, n_features) or a list of layers; its shape "
                f"is {tuple(feats.shape)}."
            )
        feats = [feats[:, i] for i in range(feats.shape[1])]
    if not feats:
        raise ValueError(f"{name} holds no layers.")
    return _host(*feats)


def _named(name: str, layers: list[Tensor]) -> list[Input]:
    return [as_input(f"{name}[{i}]", layer) for i, layer in enumerate(layers)]


def _require_directions(name: str, layers: list[Tensor]) -> None:
    for i, layer in enumerate(layers):
        zero = ~layer.any(dim=1)
        if zero.any():
            raise ValueError(
                f"Layer {i} of {name} has a zero row (row {int(zero.int().argmax())}; shape "
                f"{tuple(layer.shape)}), which has no direction to find neighbours by; remove the "
                "sample from both sides, or pass normalize=False."
            )


def _scores(
    x: list[Tensor], y: list[Tensor], metric: str, topk: int, normalize: bool
) -> np.ndarray:
    """(layers of x, layers of y) float64."""
    options: dict[str, Any] = {"k": topk} if "knn" in metric else {}
    if metric in _ON_LISTS:
        options["metric"] = "cosine" if normalize else "ip"
        if normalize:
            _require_directions("x_feats", x)
            _require_directions("y_feats", y)
    elif normalize:
        x, y = ([torch.nn.functional.normalize(layer, dim=-1) for layer in z] for z in (x, y))
    xs, ys = _named("x_feats", x), _named("y_feats", y)
    return np.asarray(mmkernels.measure_matrix(metric, xs, ys, **options))
