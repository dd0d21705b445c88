"""Running a study of captions: measure what is missing, then write the tables."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from ...captions import load_caption_sets
from ...errors import UserError
from ...measure.run import measure_models
from ...measure.store import only_run, open_directory
from ...progress import WorkProgress
from ..stopped import finished_cells_kept
from .description import CaptionStudy, begin
from .inputs import find_language_levels, find_vision_models
from .tables import write_caption_tables


def run_caption_study(
    study: CaptionStudy, directory: str | os.PathLike[str], *, console: Console | None = None
) -> None:
    """Compare every language model's layers with every vision model's, at every level.

    Writes ``study.json``, ``measurements/`` and, when all is measured, ``alignments.parquet`` and
    ``samples.parquet``. A run that was stopped is continued by the same call, to the same bytes.
    Raises UserError for inputs that do not belong together, and for the directory of another
    study; KeyboardInterrupt with a line for the user (finished cells kept).
    """
    console = console or Console(stderr=True)
    directory = Path(directory)
    sets = load_caption_sets(study.captions)
    if sets.n <= study.k:
        raise UserError(
            f"{study.captions} has {sets.n} captions, too few for {study.k} neighbours."
        )
    vision = find_vision_models(study.vision, sets.n)
    language = find_language_levels(study.features, sets, study.levels)
    names = [model.name for model in language[0].models]
    begin(directory, study.describe([one.name for one in vision], names))
    store = open_directory(directory / "measurements")
    pictures = [one.model for one in vision]
    pairs = len(names) * len(vision)
    progress = WorkProgress(pairs * len(language), console)
    with finished_cells_kept(directory), only_run(store), progress:
        for at in language:
            left = pairs

            def on_pair(layer_pairs: int, pair: str, level: int = at.level) -> None:
                nonlocal left
                left -= 1
                progress.done(1, f"captions at {level}%")

            measure_models(at.models, pictures, study.request, store, on_pair)
            # Pairs that an earlier run had measured.
            progress.done(left, f"captions at {at.level}%")
        write_caption_tables(study, directory, sets, vision, language, store)
