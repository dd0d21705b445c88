"""Reading a finished study: tidy tables and score matrices, from its directory alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UserError
from ..files import atomic_path
from .cell import EncoderCell, canonical_json
from .description import Study
from .directory import StudyDirectory
from .store import CellStore

ENCODER_COLUMNS = {
    "cell": "string",
    "dataset": "string",
    "view": "string",
    "encoder": "string",
    "depth": "int64",
    "seed": "int64",
    "parameters": "int64",
    "epochs": "int64",
    "best_epoch": "int64",
    "train_accuracy": "float64",
    "valid_accuracy": "float64",
    "test_accuracy": "float64",
    "test_absolute_error": "float64",
}
ALIGNMENT_COLUMNS = {
    "cell": "string",
    "metric": "string",
    "options": "string",
    "k": "Int64",
    "cell_a": "string",
    "view_a": "string",
    "depth_a": "int64",
    "seed_a": "int64",
    "cell_b": "string",
    "view_b": "string",
    "depth_b": "int64",
    "seed_b": "int64",
    "n": "int64",
    "score": "float64",
    "layer_a": "Int64",
    "layer_b": "Int64",
    "chance": "float64",
    "undefined_pairs": "int64",
    "higher_is": "string",
}


@dataclass(frozen=True)
class StudyResults:
    """A finished study.

    study:      the content of study.json.
    encoders:   one row per encoder; accuracies are shares of the split, of the best epoch, and
                ``test_absolute_error`` is the mean one of a regression, NaN in a classification.
    alignments: one row per pair and metric: the best ``score`` over layer pairs, its layers
                (from 1), the ``chance`` level of a single layer pair, the number of layer pairs
                without a score, ``options`` as JSON. Missing values are NA.
    elapsed_seconds: wall time of all runs that made it, from log.jsonl; None without that file.
    """

    directory: Path
    study: dict[str, Any]
    encoders: pd.DataFrame
    alignments: pd.DataFrame
    elapsed_seconds: float | None

    @property
    def is_regression(self) -> bool:
        """Whether encoders were trained to tell a value; accuracy is then that of its sign."""
        return bool(self.encoders["test_absolute_error"].notna().any())

    def samples(self) -> dict[str, int]:
        """Return how many samples each split has."""
        return CellStore(self.directory).read_meta(self.encoders["cell"].iloc[0])["samples"]

    def matrix(self, cell: str) -> np.ndarray:
        """Return the (layers a, layers b) float64 scores of an alignment cell; NaN: undefined."""
        return CellStore(self.directory).read_arrays(cell)["scores"]

    def representations(self, cell: str) -> list[np.ndarray]:
        """Return every layer's (n, width) float32 representation of the test split."""
        arrays = CellStore(self.directory).read_arrays(cell)
        depth = sum(name.startswith("layer_") for name in arrays)
        return [arrays[f"layer_{layer}"] for layer in range(1, depth + 1)]

    def history(self, cell: str) -> pd.DataFrame:
        """Return losses and accuracies of an encoder cell, one row per epoch (from 1)."""
        table = pd.DataFrame(CellStore(self.directory).read_meta(cell)["history"])
        table.index = pd.RangeIndex(1, len(table) + 1, name="epoch")
        return table


def load_results(directory: str | os.PathLike[str]) -> StudyResults:
    """Read a study's directory; nothing is computed.

    Raises UserError when it is no study's directory or cells are missing or damaged.
    """
    place = StudyDirectory(directory)
    content, study = place.read(), place.study()
    cells = study.cells()
    missing = sum(not place.store.has(cell.hash) for cell in cells)
    if missing:
        raise UserError(
            f"The study in {place.path} is not finished: {missing} of {len(cells)} cells are "
            f"missing. Run it again; it continues."
        )
    return StudyResults(
        place.path,
        content,
        _encoders(study, place.store),
        _alignments(study, place.store),
        place.elapsed_seconds(),
    )


def write_tables(directory: str | os.PathLike[str]) -> StudyResults:
    """Write ``encoders.parquet`` and ``alignments.parquet`` from the cells, and return both."""
    results = load_results(directory)
    for name in ("encoders", "alignments"):
        with atomic_path(results.directory / f"{name}.parquet") as temporary:
            getattr(results, name).to_parquet(temporary, engine="pyarrow", index=False)
    return results


def _encoders(study: Study, store: CellStore) -> pd.DataFrame:
    rows = []
    for cell in study.encoder_cells:
        meta = store.read_meta(cell.hash)
        rows.append(
            {
                "cell": cell.hash,
                "dataset": cell.dataset_name,
                "view": cell.view,
                "encoder": cell.encoder,
                "depth": cell.depth,
                "seed": cell.seed,
                "parameters": meta["parameters"],
                "epochs": cell.epochs,
                "best_epoch": meta["best_epoch"],
                **{f"{split}_accuracy": value for split, value in meta["accuracy"].items()},
                "test_absolute_error": meta.get("absolute_error", {}).get("test"),
            }
        )
    return _table(rows, ENCODER_COLUMNS)


def _alignments(study: Study, store: CellStore) -> pd.DataFrame:
    encoders: dict[str, EncoderCell] = {cell.hash: cell for cell in study.encoder_cells}
    rows = []
    for alignment in study.alignments:
        for cell in study.alignment_cells(alignment):
            meta = store.read_meta(cell.hash)
            row = {
                "cell": cell.hash,
                "metric": cell.metric,
                "options": canonical_json(cell.options),
                "k": cell.options.get("k"),
                "higher_is": "more alike",
            }
            for side, encoder in (("a", encoders[cell.encoder_a]), ("b", encoders[cell.encoder_b])):
                row[f"cell_{side}"] = encoder.hash
                row[f"view_{side}"] = encoder.view
                row[f"depth_{side}"] = encoder.depth
                row[f"seed_{side}"] = encoder.seed
            for name in ("n", "score", "layer_a", "layer_b", "chance", "undefined_pairs"):
                row[name] = meta[name]
            rows.append(row)
    return _table(rows, ALIGNMENT_COLUMNS)


def _table(rows: list[dict[str, Any]], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)
