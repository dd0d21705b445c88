"""Measuring how alike the encoders of the two views are, every layer with every layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...data.synthetic import synthetic_data
from ..store import CellStore
from .cell import MeasurementCell, TrainingCell
from .layers import prepare, unit_rows
from .null import null_maxima
from .training import read_networks


def measure(cell: MeasurementCell, training: Sequence[TrainingCell], store: CellStore) -> None:
    """Compute a measurement and keep it; its training cells must be in the store.

    Per metric: ``scores KEY`` (layers of view 1, layers of view 2) float64, encoders one after the
    other by depth, NaN where a metric is not defined; and, where the metric is calibrated,
    ``null KEY`` (permutations, depths of view 1, depths of view 2), the best layer pair's score
    under each permutation of the samples.
    """
    data = synthetic_data(cell.settings, cell.redundancy, cell.transform_depth)
    samples = data.splits["test"][: cell.samples]
    rows = [
        _layers(store, own, depths, data.view(own.view)[samples])
        for own, depths in zip(training, (cell.depths_1, cell.depths_2), strict=True)
    ]
    arrays: dict[str, np.ndarray] = {}
    for request in cell.metrics:
        one, other = (prepare(request, own) for own in rows)
        arrays[f"scores {request.key}"] = one.scores(other)
        if request.calibrated and cell.permutations:
            arrays[f"null {request.key}"] = null_maxima(
                one, other, cell.depths_1, cell.depths_2, cell.permutations, cell.seed
            )
    store.write(cell.hash, {"cell": cell.describe(), "n": len(samples)}, arrays)


def _layers(
    store: CellStore, cell: TrainingCell, depths: Sequence[int], inputs: np.ndarray
) -> list[np.ndarray | None]:
    networks = read_networks(store, cell)
    return [unit_rows(layer) for depth in depths for layer in networks[depth].represent(inputs)]
