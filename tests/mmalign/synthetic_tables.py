"""Tables of a synthetic study whose effects are planted, so that a test can look for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

PAPER_METRICS = (
    ("unbiased_cka", {"kernel": "linear"}),
    ("unbiased_cka", {"kernel": "rbf", "sigma": 1.0}),
    ("mutual_knn", {"k": 100}),
    ("svcca", {"components": 10}),
    ("cmd", {}),
)
CORRECTED_METRICS = (
    ("mutual_knn", {"k": 10}),
    ("mutual_knn", {"k": 100}),
    ("unbiased_cka", {"kernel": "linear"}),
    ("unbiased_cka", {"kernel": "rbf", "sigma": 1.0}),
    ("svcca", {"components": 10}),
)
# R: information of view 1, view 2 and both; Bayes accuracy of each view; PID R, U1, U2, S.
EXACT = {
    8: (1.1588, 1.1588, 0.9063, 0.9063, 1.1588, 0.0, 0.0, 0.0),
    7: (0.9717, 1.1588, 0.7994, 0.9063, 0.9717, 0.0, 0.1871, 0.0),
    6: (0.9717, 0.8806, 0.7994, 0.7363, 0.7489, 0.2228, 0.1316, 0.0555),
    5: (0.7151, 0.8867, 0.6663, 0.7446, 0.5914, 0.1237, 0.2953, 0.1485),
    4: (0.7151, 0.7334, 0.6663, 0.7083, 0.4707, 0.2444, 0.2627, 0.1810),
    3: (0.4935, 0.7717, 0.5787, 0.7367, 0.3839, 0.1096, 0.3878, 0.2776),
    2: (0.4935, 0.6076, 0.5787, 0.6512, 0.3633, 0.1302, 0.2443, 0.4210),
    1: (0.3669, 0.6188, 0.5412, 0.6467, 0.3367, 0.0302, 0.2821, 0.5098),
    0: (0.3669, 0.4733, 0.5412, 0.5952, 0.2728, 0.0941, 0.2005, 0.5914),
}


def write_tables(
    directory: Path,
    *,
    preset: str = "corrected",
    tasks: Sequence[str] = ("paper", "balanced"),
    uniqueness: Sequence[int] = (0, 4, 8),
    transform_depths: Sequence[int] = (1, 2, 3, 4),
    depths: Sequence[int] = (1, 2, 3, 4),
    depths_1: Sequence[int] = (1,),
    seeds: Sequence[int] = (0, 1, 2, 3, 4, 5),
    metrics: Sequence[tuple[str, dict]] | None = None,
    per_uniqueness: Callable[[str, str], float] = lambda task, metric: -0.08,
    per_transform: Callable[[str, str], float] = lambda task, metric: -0.01,
    link: Callable[[str, str, int], float] = lambda task, metric, level: 0.0,
    shared_growth: Callable[[int], float] = lambda level: 0.0,
    highest: float = 0.85,
    accuracy_growth: float = 0.01,
    noise: float = 0.005,
    name: str = "synthetic",
) -> Path:
    """Write study.json and three tables; return the directory.

    Alignment is highest + per_uniqueness * U + per_transform * D_phi + shared_growth(U) *
    log(depth) + link / 20 * (what is left of view 2's accuracy at equal depth, in units of its
    spread), and noise. Accuracy is below its ceiling by what saturates with depth, plus a term of
    the encoder.
    """
    directory.mkdir(parents=True, exist_ok=True)
    as_published = preset == "paper"
    if metrics is None:
        metrics = PAPER_METRICS if as_published else CORRECTED_METRICS
    draw = np.random.default_rng(7)
    encoders, alignments = [], []
    for task in tasks:
        for level in uniqueness:
            exact = EXACT[8 - level]
            for seed in seeds:
                first = {"task": task, "uniqueness": level, "view": 1, "seed": seed}
                places = transform_depths if as_published else (-1,)
                for place in places:
                    for depth in depths:
                        encoders.append(
                            first
                            | {"transform_depth": place, "depth": depth}
                            | _accuracies(exact[2] - 0.003, exact[2], as_published, draw)
                        )
                for place in transform_depths:
                    for depth in depths:
                        own = draw.standard_normal()
                        accuracy = exact[3] - accuracy_growth * (0.2 + 1 / depth) + 0.003 * own
                        encoders.append(
                            first
                            | {"view": 2, "transform_depth": place, "depth": depth}
                            | _accuracies(accuracy, exact[3], as_published, draw)
                        )
                        for metric, options in metrics:
                            for depth_1 in depths_1:
                                score = (
                                    highest
                                    + per_uniqueness(task, metric) * level
                                    + per_transform(task, metric) * place
                                    + shared_growth(level) * np.log(depth)
                                    + link(task, metric, level) * own / 20
                                    + noise * draw.standard_normal()
                                )
                                alignments.append(
                                    {
                                        "task": task,
                                        "uniqueness": level,
                                        "transform_depth": place,
                                        "seed": seed,
                                        "metric": metric,
                                        "options": json.dumps(options),
                                        "depth_1": depth_1,
                                        "depth_2": depth,
                                        "layer_pairs": depth_1 * depth,
                                    }
                                    | _scores(score, metric, options, as_published)
                                )
    _write(directory, encoders, alignments, tasks, uniqueness)
    study = {
        "name": name,
        "preset": preset,
        "grids": [{"settings": {"samples": 65536}}],
        "aligned": 512 if as_published else 4915,
        "permutations": 0 if as_published else 39,
        "versions": {"mmalign": "0.0", "numpy": np.__version__},
    }
    (directory / "study.json").write_text(json.dumps(study))
    line = {"run": "one", "elapsed": 61.0, "event": "end"}
    (directory / "log.jsonl").write_text(json.dumps(line) + "\n")
    return directory


def _accuracies(accuracy, ceiling, as_published, draw):
    test = min(accuracy, ceiling) + 0.0005 * draw.standard_normal()
    return {
        "redundancy": 0,
        "parameters": 208,
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "epochs": 300,
        "best_epoch": 200,
        "valid_accuracy": accuracy,
        "test_accuracy": test,
        "held_accuracy": np.nan if as_published else test,
        "bayes_accuracy": ceiling,
    }


def _scores(score, metric, options, as_published):
    n = 512 if as_published else 4915
    chance = options["k"] / (n - 1) if metric == "mutual_knn" else 0.0
    known = not as_published
    threshold = chance + 0.02
    return {
        "score": score,
        "layer_1": 1,
        "layer_2": 1,
        "n": n,
        "chance": chance,
        "null_mean": chance + 0.01 if known else np.nan,
        "threshold": threshold if known else np.nan,
        "calibrated": np.clip((score - threshold) / (1 - threshold), 0, 1) if known else np.nan,
        "p_value": 1 / 201 if known else np.nan,
    }


def _write(directory, encoders, alignments, tasks, uniqueness):
    encoders = pd.DataFrame(encoders)
    encoders["redundancy"] = 8 - encoders["uniqueness"]
    encoders.to_parquet(directory / "encoders.parquet", index=False)
    pd.DataFrame(alignments).to_parquet(directory / "alignments.parquet", index=False)
    rows = []
    for task in tasks:
        for level in uniqueness:
            mi_1, mi_2, bayes_1, bayes_2, redundancy, unique_1, unique_2, synergy = EXACT[8 - level]
            rows.append(
                {
                    "task": task,
                    "uniqueness": level,
                    "redundancy": 8 - level,
                    "mi_1": mi_1,
                    "mi_2": mi_2,
                    "mi_joint": 1.1588,
                    "co_information": mi_1 + mi_2 - 1.1588,
                    "bayes_1": bayes_1,
                    "bayes_2": bayes_2,
                    "bayes_joint": 0.9063,
                    "pid_redundancy": redundancy,
                    "pid_unique_1": unique_1,
                    "pid_unique_2": unique_2,
                    "pid_synergy": synergy if task == "paper" else 0.0,
                }
            )
    pd.DataFrame(rows).to_parquet(directory / "ground_truth.parquet", index=False)
