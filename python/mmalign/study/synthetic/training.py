"""Training the encoders of several cells at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmkernels.mlp_ensemble import FittedNetwork, TrainingData, fit

from ...data.synthetic import SyntheticData, synthetic_data
from ...training import TrainingDiverged
from ..store import CellStore
from .cell import TrainingCell


def data_of(cell: TrainingCell) -> SyntheticData:
    """The data a cell is trained on; of an untransformed view, at the least transform depth."""
    return synthetic_data(cell.settings, cell.redundancy, max(cell.transform_depth, 0))


def train_cells(cells: Sequence[TrainingCell], store: CellStore, device: str) -> None:
    """Train all networks of the cells in one call and keep each cell in the store.

    A cell's file depends on the cell alone. Kept are, per depth d: ``parameters_d`` (float32, in
    PyTorch's order) and ``train_loss_d``, ``valid_loss_d``, ``valid_accuracy_d`` (float64, one per
    epoch); and ``hits`` (depths, ceil(n / 8)) uint8, the bits of the test samples, in the order of
    the split, that are classified rightly. Raises TrainingDiverged where a loss is not finite; the
    other cells are kept before.
    """
    data = [data_of(cell) for cell in cells]
    networks = [network for number, cell in enumerate(cells) for network in cell.networks(number)]
    fitted = iter(
        fit(
            networks,
            [_training_data(own, cell.view) for own, cell in zip(data, cells, strict=True)],
            batch_size=cells[0].batch_size,
            clip=cells[0].clip,
            device=device,
        )
    )
    diverged = []
    for cell, own in zip(cells, data, strict=True):
        found = [next(fitted) for _ in cell.depths]
        lost = [network for network in found if network.diverged is not None]
        if lost:
            diverged.append(
                f"The loss of the {cell}, depth {lost[0].network.depth}, was not finite in epoch "
                f"{lost[0].diverged} at a learning rate of {cell.learning_rate:g}; --tune searches "
                "for others."
            )
            continue
        meta, arrays = _kept(cell, own, found)
        store.write(cell.hash, meta, arrays)
    if diverged:
        raise TrainingDiverged(diverged[0])


def read_networks(store: CellStore, cell: TrainingCell) -> dict[int, FittedNetwork]:
    """The trained networks of a cell, by depth."""
    arrays = store.read_arrays(cell.hash)
    return {
        network.depth: FittedNetwork(
            network=network,
            inputs=cell.settings.view_bits,
            outputs=cell.settings.classes,
            parameters=arrays[f"parameters_{network.depth}"],
            best_epoch=int(np.argmax(arrays[f"valid_accuracy_{network.depth}"])) + 1,
            train_loss=arrays[f"train_loss_{network.depth}"],
            valid_loss=arrays[f"valid_loss_{network.depth}"],
            valid_score=arrays[f"valid_accuracy_{network.depth}"],
            step_losses=np.empty(0, np.float32),
        )
        for network in cell.networks(0)
    }


def read_hits(arrays: dict[str, np.ndarray], samples: int) -> np.ndarray:
    """(depths, samples) bool: which test samples each network of a cell classifies rightly."""
    return np.unpackbits(arrays["hits"], axis=1, count=samples).astype(bool)


def _training_data(data: SyntheticData, view: int) -> TrainingData:
    inputs, train, valid = data.view(view), data.splits["train"], data.splits["valid"]
    return TrainingData(
        inputs[train],
        data.labels[train],
        inputs[valid],
        data.labels[valid],
        outputs=data.settings.classes,
    )


def _kept(
    cell: TrainingCell, data: SyntheticData, fitted: Sequence[FittedNetwork]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    test = data.splits["test"]
    inputs, labels = data.view(cell.view)[test], data.labels[test]
    arrays: dict[str, np.ndarray] = {}
    for found in fitted:
        depth = found.network.depth
        arrays[f"parameters_{depth}"] = found.parameters
        arrays[f"train_loss_{depth}"] = found.train_loss
        arrays[f"valid_loss_{depth}"] = found.valid_loss
        arrays[f"valid_accuracy_{depth}"] = found.valid_score
    hits = [found.predict(inputs).argmax(axis=1) == labels for found in fitted]
    arrays["hits"] = np.packbits(hits, axis=1)
    meta = {
        "cell": cell.describe(),
        "test_samples": len(test),
        "encoders": [
            {
                "depth": found.network.depth,
                "parameters": len(found.parameters),
                "best_epoch": found.best_epoch,
                "valid_accuracy": float(found.valid_score[found.best_epoch - 1]),
                "test_accuracy": float(own.mean()),
            }
            for found, own in zip(fitted, hits, strict=True)
        ],
    }
    return meta, arrays
