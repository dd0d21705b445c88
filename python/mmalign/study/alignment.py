"""Measuring how alike trained encoders are: every layer of one with every layer of the other."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UserError
from .cell import AlignmentCell, EncoderCell
from .description import Alignment, Study
from .metrics import METRICS, chance_level, prepare
from .preparation import prepared_samples
from .store import CellStore

#: Called after each cell with the cell and the seconds it took; None if another run computed it.
OnCell = Callable[[AlignmentCell, float | None], None]


@dataclass(frozen=True)
class PreparedEncoder:
    """An encoder's layers as the metric wants them; None where the metric is not defined.

    reasons: layer (from 1) -> why it is not.
    """

    layers: list[Any]
    reasons: dict[int, str]
    samples: np.ndarray


def measure_alignments(study: Study, store: CellStore, on_cell: OnCell) -> None:
    """Compute every alignment cell that is missing from the store; its encoders must be there.

    Each representation is prepared (searched for neighbours; centred and given its bandwidth)
    once per metric. A cell's result depends on its two encoders only, so that an interrupted
    measurement continues to the same bits. Cells that another run is computing are left to it
    and waited for. Memory: the prepared representations of one view and of one encoder.
    """
    for alignment in study.alignments:
        while _pass(study, store, alignment, on_cell):
            time.sleep(0.2)


def _pass(study: Study, store: CellStore, alignment: Alignment, on_cell: OnCell) -> bool:
    """Go once over the pairs; return whether some are being computed by another run."""
    prepared_b: dict[EncoderCell, PreparedEncoder] = {}
    waiting = False
    for a in study.of_view(alignment.view_a):
        prepared_a = None
        for b in study.of_view(alignment.view_b):
            cell = AlignmentCell(a.hash, b.hash, alignment.metric, alignment.options)
            if store.has(cell.hash):
                continue
            with store.claim(cell.hash) as mine:
                if not mine:
                    waiting = True
                    continue
                if store.has(cell.hash):
                    on_cell(cell, None)
                    continue
                started = time.perf_counter()
                if prepared_a is None:
                    prepared_a = _prepare(store, a, alignment)
                if b not in prepared_b:
                    prepared_b[b] = _prepare(store, b, alignment)
                if not np.array_equal(prepared_a.samples, prepared_b[b].samples):
                    raise UserError(f"The {a} and the {b} were evaluated on different samples.")
                matrix = score_matrix(prepared_a.layers, prepared_b[b].layers, alignment)
                meta = _meta(cell, matrix, prepared_a, prepared_b[b])
                store.write(cell.hash, meta, {"scores": matrix})
                on_cell(cell, time.perf_counter() - started)
    return waiting


def _prepare(store: CellStore, cell: EncoderCell, alignment: Alignment) -> PreparedEncoder:
    arrays = store.read_arrays(cell.hash)
    layers: list[Any] = []
    reasons: dict[int, str] = {}
    for layer in range(1, cell.depth + 1):
        try:
            prepared = prepare(alignment.metric, arrays[f"layer_{layer}"], alignment.options)
        except ValueError as error:
            # A collapsed layer must not hide the others; its scores are NaN, with the reason.
            prepared, reasons[layer] = None, str(error)
        layers.append(prepared)
    return PreparedEncoder(layers, reasons, arrays["samples"])


def score_matrix(layers_a: list[Any], layers_b: list[Any], alignment: Alignment) -> np.ndarray:
    """Return (len(a), len(b)) float64 scores of prepared layers; NaN where a layer is None."""
    scores = np.full((len(layers_a), len(layers_b)), np.nan)
    rows = [i for i, layer in enumerate(layers_a) if layer is not None]
    columns = [j for j, layer in enumerate(layers_b) if layer is not None]
    if rows and columns:
        with warnings.catch_warnings():
            # A constant representation scores NaN, which is kept and counted.
            warnings.simplefilter("ignore", RuntimeWarning)
            scores[np.ix_(rows, columns)] = METRICS[alignment.metric].matrix(
                [layers_a[i] for i in rows], [layers_b[j] for j in columns], alignment.options
            )
    return scores


def best_pair(scores: np.ndarray) -> tuple[float | None, int | None, int | None]:
    """Return the highest score and its layers, counted from 1; of equal ones the shallowest.

    NaN scores do not take part; all three are None when there is no other.
    """
    if np.isnan(scores).all():
        return None, None, None
    layer_a, layer_b = np.unravel_index(np.nanargmax(scores), scores.shape)
    return float(scores[layer_a, layer_b]), int(layer_a) + 1, int(layer_b) + 1


def _meta(
    cell: AlignmentCell, scores: np.ndarray, a: PreparedEncoder, b: PreparedEncoder
) -> Mapping[str, Any]:
    score, layer_a, layer_b = best_pair(scores)
    n = prepared_samples(len(a.samples), cell.options)
    return {
        "cell": cell.describe(),
        "n": n,
        "score": score,
        "layer_a": layer_a,
        "layer_b": layer_b,
        "chance": chance_level(cell.metric, cell.options, n),
        "undefined_pairs": int(np.isnan(scores).sum()),
        "undefined_layers_a": {str(layer): why for layer, why in a.reasons.items()},
        "undefined_layers_b": {str(layer): why for layer, why in b.reasons.items()},
    }
