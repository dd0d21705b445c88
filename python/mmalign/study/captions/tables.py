"""The tables of a study of captions, from its finished cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ...captions import CaptionSets
from ...files import atomic_path
from ...measure.cells import lists_cell
from ...measure.models import Model
from ...measure.results import PairResult, read_pairs
from ..store import CellStore
from .description import CaptionStudy
from .inputs import LanguageLevel, VisionModel


def write_caption_tables(
    study: CaptionStudy,
    directory: Path,
    sets: CaptionSets,
    vision: Sequence[VisionModel],
    language: Sequence[LanguageLevel],
    store: CellStore,
) -> None:
    """Write ``alignments.parquet`` and ``samples.parquet``.

    alignments: a row a level, language model and vision model: best score and its layers, its
    chance level (mean of the null), bits per byte averaged over the captions that have them for
    every language model at that level, and how many those are.
    samples: a row a level, language model and caption: length, cosine to the original, bits per
    byte, and in a column for each vision model how many of the k neighbours the best pair of
    layers shares.
    """
    pictures = {one.name: one for one in vision}
    alignments: list[dict[str, object]] = []
    samples: list[pd.DataFrame] = []
    for at in language:
        lengths = np.array([len(text) for text in sets.at(at.level)])
        similarity = _similarity(sets, at.level)
        whole = np.isfinite(at.bits).all(axis=0)
        models = [one.model for one in vision]
        found = list(read_pairs(at.models, models, study.request, store))
        for row, model in enumerate(at.models):
            own = [pair for pair in found if pair.x.name == model.name]
            bits = at.bits[row]
            shared = {pair.y.name: _shared(study, pair, store) for pair in own}
            samples.append(
                pd.DataFrame(
                    {
                        "level": at.level,
                        "language_model": model.name,
                        "sample": np.arange(sets.n),
                        "characters": lengths,
                        "similarity": similarity,
                        "bits_per_byte": bits,
                        **shared,
                    }
                )
            )
            for pair in own:
                facts = pair.describe()
                alignments.append(
                    {
                        "level": at.level,
                        "language_model": model.name,
                        "vision_model": pair.y.name,
                        "family": pictures[pair.y.name].family,
                        "alignment": facts["score"],
                        "language_layer": facts["layer_x"],
                        "vision_layer": facts["layer_y"],
                        "layer_pairs": pair.scores.size,
                        "chance": facts["chance_of_best"],
                        "n": pair.x.n,
                        "bits_per_byte": bits[whole].mean() if whole.any() else np.nan,
                        "samples_with_bits": int(whole.sum()),
                    }
                )
    tables = {"alignments": pd.DataFrame(alignments), "samples": pd.concat(samples)}
    for name, table in tables.items():
        with atomic_path(directory / f"{name}.parquet") as temporary:
            table.to_parquet(temporary, engine="pyarrow", index=False)


def _similarity(sets: CaptionSets, level: int) -> np.ndarray:
    """(n,) cosines to the originals; NaN where the file has none."""
    if level == 0:
        return np.ones(sets.n)
    if sets.similarities is None:
        return np.full(sets.n, np.nan)
    return sets.similarities[sets.levels.index(level) - 1]


def _shared(study: CaptionStudy, pair: PairResult, store: CellStore) -> np.ndarray:
    """(n,) int16: how many neighbours of each sample the best pair of layers has in common."""
    lists = [
        _lists(study, model, layer, store)
        for model, layer in zip((pair.x, pair.y), pair.best, strict=True)
    ]
    return (lists[0][:, :, None] == lists[1][:, None, :]).sum(axis=(1, 2)).astype(np.int16)


def _lists(study: CaptionStudy, model: Model, layer: int, store: CellStore) -> np.ndarray:
    cell = lists_cell(model, study.metric, study.request.treatment)
    return store.read_arrays(cell.hash)[str(layer)]
