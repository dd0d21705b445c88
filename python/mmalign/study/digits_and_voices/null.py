"""What the best layer pair would score if pictures and sounds were paired at random, kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..cell import Hashed
from ..results import StudyResults
from ..store import CellStore, DamagedCell
from ..synthetic.cell import MetricRequest
from ..synthetic.layers import prepare
from ..synthetic.null import null_maxima


@dataclass(frozen=True)
class NullCell(Hashed):
    """Mutual nearest neighbours of one encoder with others, the samples permuted.

    reference: hash of the encoder whose samples are permuted; cells: of the others.
    """

    kind: ClassVar[str] = "null"

    reference: str
    cells: tuple[str, ...]
    k: int
    permutations: int
    seed: int = 0

    __hash__ = Hashed.__hash__


def null_scores(results: StudyResults, cell: NullCell) -> np.ndarray:
    """Return the best score over layer pairs under each permutation: (permutations, len(cells)).

    Every permutation is applied to all layers of the reference, and the best pair is chosen again.
    Computed once, then read from the study's store.
    """
    store = CellStore(results.directory)
    if store.has(cell.hash):
        try:
            return store.read_arrays(cell.hash)["null"]
        except DamagedCell:
            store.discard_damaged(cell.hash)
    request = MetricRequest("mutual_knn", {"k": cell.k})
    layers = [results.representations(one) for one in cell.cells]
    fixed = results.representations(cell.reference)
    null = null_maxima(
        prepare(request, fixed),
        prepare(request, [layer for own in layers for layer in own]),
        [len(fixed)],
        [len(own) for own in layers],
        cell.permutations,
        cell.seed,
    )[:, 0]
    store.write(cell.hash, {"cell": cell.describe()}, {"null": null})
    return null
