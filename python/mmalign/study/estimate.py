"""How long a study will take, from a few timed steps before it starts."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch

from ..data.paired import PairedDataset
from ..encoders import Classifier, build_encoder
from ..training import ViewData, represent, reproducible
from ..training.fit import Optimisation
from .alignment import score_matrix
from .cell import EncoderCell, canonical_json
from .description import Alignment, Study
from .metrics import prepare

_TIMED_STEPS = 3


def training_seconds(
    cells: Sequence[EncoderCell], views: dict[str, ViewData], device: torch.device
) -> dict[EncoderCell, float]:
    """Estimate the seconds each cell will train for on one core (or on the GPU).

    For every kind of cell (same view, encoder, options and batch size) the shallowest and the
    deepest are timed over three steps and one evaluation; time is linear in depth between them.
    """

    def kind(cell: EncoderCell) -> str:
        return canonical_json([cell.view, cell.encoder, cell.options, cell.batch_size])

    estimates: dict[EncoderCell, float] = {}
    for _, group in groupby(sorted(cells, key=kind), key=kind):
        members = sorted(group, key=lambda cell: cell.depth)
        timed = {
            cell.depth: _epoch_seconds(cell, views[cell.view], device)
            for cell in (members[0], members[-1])
        }
        depths = sorted(timed)
        for cell in members:
            per_epoch = float(np.interp(cell.depth, depths, [timed[depth] for depth in depths]))
            estimates[cell] = per_epoch * cell.epochs
    return estimates


def _epoch_seconds(cell: EncoderCell, data: ViewData, device: torch.device) -> float:
    batch = data.splits["train"][: cell.batch_size]
    sample = ViewData(
        data.inputs[batch],
        data.labels[batch],
        {"train": torch.arange(len(batch))},
        data.n_classes,
        None if data.padding is None else data.padding[batch],
        data.task,
    ).to(device)
    rows = sample.splits["train"]
    with reproducible(cell.stream, device):
        encoder = build_encoder(cell.encoder, data.sample_shape, cell.depth, **cell.options)
        classifier = Classifier(encoder, data.n_classes).to(device).train()
        optimisation = Optimisation(classifier, sample, cell.settings)
        step = _median_seconds(lambda: optimisation.step(rows), device)
        evaluation = _median_seconds(lambda: represent(classifier, sample, rows), device)
    steps = len(data.splits["train"]) / cell.batch_size
    return steps * step + len(data.splits["valid"]) / len(batch) * evaluation


def alignment_seconds(study: Study, dataset: PairedDataset) -> float:
    """Estimate the seconds all alignments of the study take, from one pair of random layers each.

    Layers have as many rows as the test split and the widths of the study's encoders. The metrics
    use every core by themselves.
    """
    random = np.random.default_rng(0)
    n = len(dataset.splits["test"])
    total = 0.0
    for alignment in study.alignments:
        prepared, layers = [], []
        for view in (alignment.view_a, alignment.view_b):
            cells = study.of_view(view)
            layer = random.normal(size=(n, _width(cells[0], dataset))).astype(np.float32)

            def once(layer: np.ndarray = layer, alignment: Alignment = alignment) -> Any:
                return prepare(alignment.metric, layer, alignment.options)

            prepared.append(once())
            layers.append(sum(cell.depth for cell in cells))
            total += _median_seconds(once) * layers[-1]
        pair = _median_seconds(lambda: score_matrix(prepared[:1], prepared[1:], alignment))  # noqa: B023
        total += pair * layers[0] * layers[1]
    return total


def _width(cell: EncoderCell, dataset: PairedDataset) -> int:
    # Meta tensors have shapes and no values: nothing is drawn.
    with torch.device("meta"):
        shape = dataset.views[cell.view].shape[1:]
        return build_encoder(cell.encoder, shape, 1, **cell.options).width


def _median_seconds(work: Callable[[], object], device: torch.device | None = None) -> float:
    durations = []
    for _ in range(_TIMED_STEPS + 1):
        started = time.perf_counter()
        work()
        if device is not None and device.type == "cuda":
            torch.cuda.synchronize(device)
        durations.append(time.perf_counter() - started)
    # The first pays for what is set up once.
    return sorted(durations[1:])[_TIMED_STEPS // 2]


def makespan(seconds: Iterable[float], workers: int) -> float:
    """Return when the last of the tasks ends if each free worker takes the longest one left."""
    free = [0.0] * max(workers, 1)
    for task in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + task)
    return max(free)
