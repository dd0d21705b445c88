"""Small directories of models, and a run on them as a process of its own that can be killed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

N, LAYERS = 48, 3


def features(seed: int, share: float, width: int, layers: int = LAYERS) -> list[np.ndarray]:
    """Layers that hold more and more of what all models have in common."""
    shared = np.random.default_rng(99).normal(size=(N, 4))
    generator = np.random.default_rng(seed)
    return [
        share * (layer + 1) / layers * shared @ generator.normal(size=(4, width))
        + generator.normal(size=(N, width))
        for layer in range(layers)
    ]


def write_model(path: Path, layers: list[np.ndarray], dtype=torch.float32, **header) -> None:
    """A file as ``mmalign extract`` writes it."""
    tensors = {f"layer_{i:03}": torch.tensor(layer).to(dtype) for i, layer in enumerate(layers)}
    said = {"format": 1, "model": path.stem, **header}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {"mmalign": json.dumps(said)} if header else None)


def write_models(directory: Path, models: int = 3) -> None:
    """``x`` in float16 and ``y`` in bfloat16, of increasing likeness."""
    for side, dtype, width in (("x", torch.float16, 8), ("y", torch.bfloat16, 11)):
        for model in range(models):
            seed = 10 * model + len(side) + width
            layers = features(seed, 1.5 * model, width, LAYERS + model)
            write_model(directory / side / f"model_{model}.safetensors", layers, dtype)


def main(directory: str, stop_after: str) -> None:
    """Measure ``x`` against ``y`` in the directory; die without warning after some pairs."""
    from mmalign.measure import models, run, store
    from mmalign.measure.metrics import metric

    xs, ys = (models.find_models(Path(directory) / side) for side in "xy")
    request = run.Request((metric("mutual_knn", k=3), metric("cka")), permutations=4)
    finished = 0

    def on_pair(layer_pairs: int, pair: str) -> None:
        nonlocal finished
        finished += 1
        if finished == int(stop_after):
            os.kill(os.getpid(), 9)

    opened = store.open_directory(Path(directory) / "out")
    with store.only_run(opened):
        run.measure_models(xs, ys, request, opened, on_pair)


if __name__ == "__main__":
    main(*sys.argv[1:])
