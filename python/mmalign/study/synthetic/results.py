"""Reading a finished synthetic study: tidy tables, from its directory alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...data.synthetic import SyntheticSettings, ground_truth
from ...errors import UserError
from ...files import atomic_path
from ...measure.calibration import calibrated, p_value, threshold
from ..cell import canonical_json
from ..directory import StudyDirectory
from ..store import CellStore
from .cell import MeasurementCell, MetricRequest
from .description import SyntheticStudy, Unit, study_from_json
from .layers import best_layers, best_scores
from .training import read_hits

if TYPE_CHECKING:
    from ...analysis.synthetic import SyntheticResults


def load_synthetic_results(directory: str | os.PathLike[str]) -> SyntheticResults:
    """Read a synthetic study's directory; nothing is trained or measured.

    Raises UserError when it is no such directory or cells are missing or damaged.
    """
    from ...analysis.synthetic import SyntheticResults

    place = StudyDirectory(directory)
    content = place.read()
    if content.get("name") != SyntheticStudy.name:
        raise UserError(f"The study in {place.path} is not a synthetic one.")
    study = study_from_json(content)
    units = list(study.units())
    hashes = [cell.hash for cell in study.training_cells()]
    hashes += [unit.measurement.hash for unit in units]
    missing = sum(not place.store.has(cell) for cell in hashes)
    if missing:
        raise UserError(
            f"The study in {place.path} is not finished: {missing} of {len(hashes)} cells are "
            f"missing. Run it again; it continues."
        )
    return SyntheticResults(
        place.path,
        content,
        _encoders(study, units, place.store),
        _alignments(units, place.store),
        information_table(study),
        place.elapsed_seconds(),
    )


def write_synthetic_tables(directory: str | os.PathLike[str]) -> None:
    """Write ``encoders``, ``alignments`` and ``ground_truth`` as .parquet from the cells."""
    results = load_synthetic_results(directory)
    for name in ("encoders", "alignments", "ground_truth"):
        with atomic_path(results.directory / f"{name}.parquet") as temporary:
            getattr(results, name).to_parquet(temporary, engine="pyarrow", index=False)


def _encoders(study: SyntheticStudy, units: list[Unit], store: CellStore) -> pd.DataFrame:
    rows, seen = [], set()
    for unit in units:
        for cell in unit.training:
            if cell.hash in seen:
                continue
            seen.add(cell.hash)
            meta, arrays = store.read(cell.hash)
            truth = ground_truth(cell.settings, cell.redundancy, pid=False)
            hits = read_hits(arrays, meta["test_samples"])[:, study.aligned :]
            for own, encoder in zip(hits, meta["encoders"], strict=True):
                rows.append(
                    {
                        "task": unit.task,
                        "uniqueness": unit.uniqueness,
                        "redundancy": cell.redundancy,
                        "transform_depth": cell.transform_depth,
                        "view": cell.view,
                        "seed": cell.seed,
                        "learning_rate": cell.learning_rate,
                        "weight_decay": cell.weight_decay,
                        "epochs": cell.epochs,
                        **encoder,
                        "held_accuracy": own.mean() if study.held else np.nan,
                        "bayes_accuracy": truth.bayes_1 if cell.view == 1 else truth.bayes_2,
                    }
                )
    return pd.DataFrame(rows)


def _alignments(units: list[Unit], store: CellStore) -> pd.DataFrame:
    rows = []
    for unit in units:
        cell = unit.measurement
        meta, arrays = store.read(cell.hash)
        for request in cell.metrics:
            common = {
                "task": unit.task,
                "uniqueness": unit.uniqueness,
                "transform_depth": cell.transform_depth,
                "seed": cell.seed,
                "metric": request.name,
                "options": canonical_json(dict(request.options)),
                "n": meta["n"],
                "chance": _chance(request, meta["n"]),
            }
            rows += [{**common, **row} for row in _best(cell, request, arrays)]
    return pd.DataFrame(rows)


def _best(
    cell: MeasurementCell, request: MetricRequest, arrays: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    scores, null = arrays[f"scores {request.key}"], arrays.get(f"null {request.key}")
    best = best_scores(scores, cell.depths_1, cell.depths_2)
    layers = best_layers(scores, cell.depths_1, cell.depths_2)
    unknown = np.full(best.shape, np.nan)
    columns = {"score": best, "layer_1": layers[..., 0], "layer_2": layers[..., 1]}
    for name, value in (
        ("null_mean", None if null is None else null.mean(axis=0)),
        ("threshold", None if null is None else threshold(best, null)),
        ("calibrated", None if null is None else calibrated(best, null)),
        ("p_value", None if null is None else p_value(best, null)),
    ):
        columns[name] = unknown if value is None else value
    return [
        {
            "depth_1": depth_1,
            "depth_2": depth_2,
            "layer_pairs": depth_1 * depth_2,
            **{name: column[i, j].item() for name, column in columns.items()},
        }
        for i, depth_1 in enumerate(cell.depths_1)
        for j, depth_2 in enumerate(cell.depths_2)
    ]


def _chance(request: MetricRequest, n: int) -> float:
    """The expected score of unrelated representations; NaN where it depends on their spectra."""
    if request.name == "mutual_knn":
        return request.options["k"] / (n - 1)
    return 0.0 if request.name == "unbiased_cka" else np.nan


def information_table(study: SyntheticStudy) -> pd.DataFrame:
    """What is known of the data exactly: one row for each task and uniqueness."""
    rows = []
    for grid in study.grids:
        for uniqueness in grid.uniqueness:
            redundancy = grid.settings.task_bits - uniqueness
            rows.append(
                {
                    "task": grid.settings.task,
                    "uniqueness": uniqueness,
                    "redundancy": redundancy,
                    **_information(grid.settings, redundancy),
                }
            )
    return pd.DataFrame(rows)


def _information(settings: SyntheticSettings, redundancy: int) -> dict[str, float]:
    truth = ground_truth(settings, redundancy)
    names = ("mi_1", "mi_2", "mi_joint", "co_information", "bayes_1", "bayes_2", "bayes_joint")
    parts = ("redundancy", "unique_1", "unique_2", "synergy")
    return {
        **{name: getattr(truth, name) for name in names},
        **{f"pid_{part}": getattr(truth.pid, part) for part in parts},
    }
