"""What is done to features before they are measured: outliers clamped, rows made of length 1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import UserError

_BLOCK_BYTES = 1 << 26


@dataclass(frozen=True)
class Treatment:
    """clamp, exact: see :func:`clamp_thresholds`; normalize: rows to Euclidean length 1, after."""

    clamp: float | None = None
    exact: bool = False
    normalize: bool = False

    def __post_init__(self) -> None:
        if self.clamp is not None and not 0 < self.clamp < 1:
            raise UserError(f"clamp must be between 0 and 1, got {self.clamp!r}.")
        if self.exact and self.clamp is None:
            raise UserError("The exact quantile is of a clamp, and none is asked for.")

    def describe(self) -> dict[str, Any]:
        """As plain JSON content."""
        return asdict(self)

    def __str__(self) -> str:
        steps = []
        if self.clamp is not None:
            of = "all values" if self.exact else "a sample's values, averaged over samples"
            steps.append(f"clamped at the {self.clamp:g} quantile of {of}")
        if self.normalize:
            steps.append("rows divided by their length")
        return ", ".join(steps) or "as they are"

    def apply(self, layers: Sequence[Any]) -> Iterator[Any]:
        """The layers of one model, treated one after the other; as they are without a treatment.

        Treated layers are float32 in memory. Where one raises ValueError (a zero row), the next are
        still to be had.
        """
        return map(self.treat, layers, self.thresholds(layers))

    def thresholds(self, layers: Sequence[Any]) -> list[float | None]:
        """Where each layer of one model is to be clamped; None where it is not."""
        if self.clamp is None:
            return [None] * len(layers)
        return list(clamp_thresholds(layers, self.clamp, self.exact))

    def treat(self, layer: Any, threshold: float | None) -> Any:
        """Rows of a layer, clamped and normalised; raises ValueError for a zero row."""
        if threshold is None and not self.normalize:
            return layer
        values = float32(layer)
        if threshold is not None:
            values = np.clip(values, np.float32(-threshold), np.float32(threshold))
        if not self.normalize:
            return values
        lengths = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
        if not lengths.all():
            row = int(np.flatnonzero(lengths == 0)[0])
            raise ValueError(
                f"x has a zero row (row {row}; shape {values.shape}), which has no length to be "
                "divided by."
            )
        return (values / lengths[:, None]).astype(np.float32)


def clamp_thresholds(layers: Sequence[Any], quantile: float, exact: bool = False) -> list[float]:
    """The absolute value at which outliers of a model are clamped, for each of its layers.

    layers: (n, d) arrays of one model. Of layers of one width, the values of all layers together
    are taken, as platonic-rep does with its (n, layers, d) features; of several widths, those of
    each layer on its own, as it does with lists.

    The mean over samples of the quantile of a sample's |values|, interpolated as numpy does; with
    ``exact``, of all |values|, of which there are N, the one that int(quantile N) are before.
    Values count as float32. One pass over the features (two where exact); memory 64 MiB.
    Raises UserError where NaN or infinity leaves no such value.
    """
    widths = {layer.shape[1] for layer in layers}
    groups = [list(layers)] if len(widths) == 1 else [[layer] for layer in layers]
    of_group = _quantile_of_all if exact else _mean_quantile
    found = [of_group(group, quantile) for group in groups]
    if not all(map(math.isfinite, found)):
        raise UserError(
            f"NaN or infinity among the features leaves no {quantile:g} quantile to clamp at."
        )
    return found * (len(layers) if len(groups) == 1 else 1)


def float32(rows: Any) -> np.ndarray:
    """Rows of a layer as float32 in memory; what is too large for it becomes infinite."""
    if not isinstance(rows, np.ndarray):
        return rows.float().numpy()
    with np.errstate(over="ignore"):
        return np.asarray(rows, np.float32)


def _sizes(layers: list[Any]) -> Iterator[np.ndarray]:
    """(some samples, values of all layers) float32, absolute."""
    width = sum(layer.shape[1] for layer in layers)
    step = max(1, _BLOCK_BYTES // (4 * width))
    for start in range(0, len(layers[0]), step):
        block = [float32(layer[start : start + step]) for layer in layers]
        yield np.abs(np.concatenate(block, axis=1))


def _mean_quantile(layers: list[Any], quantile: float) -> float:
    total = 0.0
    for sizes in _sizes(layers):
        position = quantile * (sizes.shape[1] - 1)
        low = math.floor(position)
        high = min(low + 1, sizes.shape[1] - 1)
        sizes.partition([low, high], axis=1)
        ends = sizes[:, [low, high]].astype(np.float64)
        with np.errstate(invalid="ignore"):  # of infinity, which is refused at the end
            between = ends[:, 0] + (position - low) * (ends[:, 1] - ends[:, 0])
        total += float(between.sum())
    return total / len(layers[0])


def _quantile_of_all(layers: list[Any], quantile: float) -> float:
    """Found in two counts: positive float32 are in the order of their bits."""
    place = int(quantile * sum(layer.shape[0] * layer.shape[1] for layer in layers))
    counts = sum(_count(sizes.view(np.uint32).ravel() >> 16) for sizes in _sizes(layers))
    upper = int(np.searchsorted(np.cumsum(counts), place, side="right"))
    place -= int(counts[:upper].sum())
    counts = np.zeros(1 << 16, np.int64)
    for sizes in _sizes(layers):
        bits = sizes.view(np.uint32).ravel()
        counts += _count(bits[bits >> 16 == upper] & 0xFFFF)
    lower = int(np.searchsorted(np.cumsum(counts), place, side="right"))
    return float(np.array([(upper << 16) | lower], np.uint32).view(np.float32)[0])


def _count(halves: np.ndarray) -> np.ndarray:
    return np.bincount(halves, minlength=1 << 16)
