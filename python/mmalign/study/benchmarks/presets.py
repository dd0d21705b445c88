"""Ready-made studies of the real datasets."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ...data.paired import PairedDataset
from ...errors import UserError
from ..cell import EncoderCell
from ..description import Alignment, Study
from .recipes import BATCH_SIZE, CLIP, DEPTHS, RECIPES, SEEDS, Recipe

PRESETS = ("quick", "paper")
_QUICK_DEPTHS = (1, 2, 4)
_QUICK_EPOCHS = 8

#: What table 1 is computed from, and beside it a metric without weaknesses of its own: ranks of
#: distances, on all test samples.
METRICS = (
    ("cka", {"kernel": "linear", "samples": 4096, "clamp": 0.95, "unit_rows": True}),
    ("mutual_knn", {"k": 10}),
)


def benchmark_study(
    name: str,
    preset: str,
    dataset: PairedDataset,
    *,
    seeds: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    epochs: int | None = None,
) -> Study:
    """The study of one dataset of arXiv 2502.16282, table 1: every pair of views is compared.

    name:    a key of :data:`RECIPES`; ``dataset`` must have its views and its task.
    preset:  "paper" is the published recipe: depths 1 to 10, seeds 2, 22 and 42, 50 epochs (100 of
             AV-MNIST). "quick" has depths 1, 2 and 4 and 8 epochs, for a first look.
    seeds, depths, epochs: take the place of the preset's.

    Alignment is unbiased linear CKA of the first 4,096 test samples, values clamped at the exact
    95 percent quantile and rows of length 1, as published; and mutual nearest neighbours (k = 10,
    cosine) of all test samples. Raises UserError where the dataset does not fit.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    recipe = _recipe(name, dataset)
    quick = preset == "quick"
    if depths is None:
        depths = _QUICK_DEPTHS if quick else DEPTHS
    if epochs is None:
        epochs = _QUICK_EPOCHS if quick else recipe.epochs
    cells = _cells(
        recipe,
        (dataset.fingerprint, dataset.name),
        SEEDS if seeds is None else seeds,
        depths,
        epochs,
    )
    alignments = tuple(
        Alignment(metric, view_a, view_b, options)
        for metric, options in METRICS
        for view_a, view_b in itertools.combinations(recipe.views, 2)
    )
    return Study(name, preset, dataset.fingerprint, dataset.name, cells, alignments)


def follows_the_paper(study: Study) -> bool:
    """Whether a study of :data:`RECIPES` trains exactly the encoders of the published recipe."""
    recipe = RECIPES[study.name]
    data = (study.dataset, study.dataset_name)
    return set(study.encoder_cells) == set(_cells(recipe, data, SEEDS, DEPTHS, recipe.epochs))


def _cells(
    recipe: Recipe,
    data: tuple[str, str],
    seeds: Sequence[int],
    depths: Sequence[int],
    epochs: int,
) -> tuple[EncoderCell, ...]:
    """The encoders by view, seed and depth; ``data`` is the dataset's fingerprint and name."""
    return tuple(
        EncoderCell(
            *data,
            view=view,
            encoder=own.encoder,
            depth=depth,
            seed=seed,
            epochs=epochs,
            learning_rate=own.published.learning_rate,
            weight_decay=own.published.weight_decay,
            batch_size=BATCH_SIZE,
            clip=CLIP,
            options={"readout": recipe.readout, "dropout": 0.1, **own.options},
        )
        for view, own in recipe.views.items()
        for seed in seeds
        for depth in depths
    )


def _recipe(name: str, dataset: PairedDataset) -> Recipe:
    """Return the recipe of this name; raises UserError unless ``dataset`` can be trained by it."""
    if name not in RECIPES:
        raise UserError(f"There is no dataset {name!r}; choose one of {', '.join(RECIPES)}.")
    recipe = RECIPES[name]
    missing = [view for view in recipe.views if view not in dataset.views]
    if missing:
        raise UserError(
            f"The study of {name} needs the views {', '.join(recipe.views)}; {dataset.name!r} has "
            f"{', '.join(dataset.views)}."
        )
    if dataset.task != recipe.task:
        raise UserError(
            f"The study of {name} is a {recipe.task}; {dataset.name!r} is a {dataset.task}."
        )
    return recipe
