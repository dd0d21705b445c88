"""The directory of a finished study whose numbers are written by hand: nothing is trained."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mmalign.study import Alignment, CellStore, EncoderCell, Study
from mmalign.study.directory import StudyDirectory

METRICS = (("mutual_knn", {"k": 10}), ("cka", {"kernel": "linear"}))
CHANCE = {"mutual_knn": 10 / 199, "cka": 0.0}


def write_study(
    directory: Path,
    *,
    accuracy: Callable[[str, int, int], float],
    score: Callable[[float, float], float],
    views: Sequence[str] = ("image", "audio"),
    seeds: Sequence[int] = (0, 1),
    depths: Sequence[int] = (1, 2, 3, 4),
    metrics: Sequence[tuple[str, dict]] = METRICS,
    name: str = "by hand",
    dataset_name: str = "made up",
    elapsed: float | None = 61.0,
) -> Study:
    """Write a study that compares every two views.

    accuracy: (view, depth, seed) -> test accuracy; validation is the same plus a little noise.
    score: (accuracy a, accuracy b) -> score of the pair's best layers, which are the last ones;
    NaN: no layer pair has a score.
    """
    noise = np.random.default_rng(0)
    cells = tuple(
        EncoderCell(
            dataset="0123456789abcdef" * 4,
            dataset_name=dataset_name,
            view=view,
            encoder="mlp",
            depth=depth,
            seed=seed,
            epochs=5,
            learning_rate=1e-3,
        )
        for view in views
        for seed in seeds
        for depth in depths
    )
    alignments = tuple(
        Alignment(metric, view_a, view_b, options)
        for metric, options in metrics
        for view_a, view_b in itertools.combinations(views, 2)
    )
    study = Study(name, "test", cells[0].dataset, dataset_name, cells, alignments)
    place = StudyDirectory(directory)
    place.open(study)
    store = CellStore(directory)
    accuracies = {cell.hash: accuracy(cell.view, cell.depth, cell.seed) for cell in cells}
    for cell in cells:
        test = accuracies[cell.hash]
        valid = test + 1e-4 * noise.standard_normal()
        meta = {
            "cell": cell.describe(),
            "parameters": 1000 * cell.depth,
            "best_epoch": 3,
            "history": [],
            "accuracy": {"train": test, "valid": valid, "test": test},
            "samples": {"train": 500, "valid": 100, "test": 200},
        }
        store.write(cell.hash, meta, {"samples": np.arange(200)})
    depth_of = {cell.hash: cell.depth for cell in cells}
    for alignment in alignments:
        for cell in study.alignment_cells(alignment):
            best = score(accuracies[cell.encoder_a], accuracies[cell.encoder_b])
            shape = (depth_of[cell.encoder_a], depth_of[cell.encoder_b])
            share = np.add.outer(np.arange(1, shape[0] + 1), np.arange(1, shape[1] + 1))
            undefined = np.isnan(best)
            meta = {
                "cell": cell.describe(),
                "n": 200,
                "score": None if undefined else best,
                "layer_a": None if undefined else shape[0],
                "layer_b": None if undefined else shape[1],
                "chance": CHANCE[cell.metric],
                "undefined_pairs": share.size if undefined else 0,
            }
            store.write(cell.hash, meta, {"scores": best * share / sum(shape)})
    if elapsed is not None:
        line = {"run": "one", "elapsed": elapsed, "event": "end"}
        (directory / "log.jsonl").write_text(json.dumps(line) + "\n")
    place.tidy()
    return study
