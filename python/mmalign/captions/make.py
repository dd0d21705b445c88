"""From a file of captions to a file of caption sets."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from ..data.features import load_features
from ..errors import UserError
from ..extract import Extraction, extract_features, open_source
from ..extract.samples import Samples
from ..extract.texts import text_samples
from .perturb import perturb_captions
from .sets import CaptionSets, write_caption_sets


def make_caption_sets(
    captions: Path,
    out: Path,
    *,
    column: str | None = None,
    levels: Sequence[int],
    perturb: str,
    unit: str,
    seed: int = 0,
    encoder: str | None = None,
    console: Console | None = None,
) -> Path:
    """Perturb the captions of a file, as :func:`perturb_captions` does, and write the sets.

    captions: .txt with a caption a line, or .jsonl, .json, .csv, .parquet with a column of them.
    encoder: the directory of a sentence encoder, or None for sets without similarities.

    Returns ``out``. Raises UserError, naming file and line or sample, for what cannot be read or
    perturbed.
    """
    _, _, read = text_samples(captions, column)
    texts = list(read())
    for row, text in enumerate(texts):
        if not text.strip():
            raise UserError(f"{captions}: caption {row + 1} of {len(texts)} is blank.")
    sets = perturb_captions(texts, levels, perturb=perturb, unit=unit, seed=seed)
    if encoder is not None:
        cosines = similarities(sets, encoder, console or Console(stderr=True))
        sets = CaptionSets(sets.levels, sets.captions, cosines)
    write_caption_sets(out, sets)
    return out


def similarities(sets: CaptionSets, encoder: str, console: Console) -> np.ndarray:
    """(levels - 1, n) float64 cosines of changed captions to their originals.

    encoder: a directory, as for ``mmalign extract``; its own pooling, its last layer.
    """
    texts = list(itertools.chain.from_iterable(sets.captions))
    samples = Samples("captions", "text", len(texts), "", lambda: iter(texts))
    with tempfile.TemporaryDirectory() as scratch:
        path = extract_features(
            open_source(encoder),
            samples,
            Path(scratch) / "captions.safetensors",
            Extraction(),
            console,
        )
        last = np.asarray(load_features(path)[-1][1], np.float64)
    rows = last.reshape(len(sets.levels), sets.n, -1)
    lengths = np.sqrt((rows**2).sum(axis=2))
    products = (rows[1:] * rows[0]).sum(axis=2)
    return products / (lengths[1:] * lengths[0])
