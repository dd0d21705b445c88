"""How the encoders of each dataset were trained, as the authors of arXiv 2502.16282 published it.

Learning rates and weight decays are those of ``hyp/`` in their repository, the best of the search
space below by validation accuracy, averaged over depths 1 to 10, at seed 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..hyperparameters import Hyperparameters, SearchSpace

SEEDS = (2, 22, 42)
DEPTHS = tuple(range(1, 11))
BATCH_SIZE = 64
CLIP = 8.0

SEARCH_SPACE = SearchSpace(
    learning_rates=(1e-3, 5e-4, 1e-4, 5e-5, 1e-5), weight_decays=(0.0, 1e-1, 1e-2, 1e-3, 1e-4)
)


@dataclass(frozen=True)
class ViewRecipe:
    """An encoder of :data:`mmalign.encoders.ENCODERS`, and its published hyper-parameters.

    Widths are those of a token: encoders get none.
    """

    published: Hyperparameters
    encoder: str = "transformer"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """The encoders of one dataset; ``task`` is that of its :class:`PairedDataset`."""

    task: str
    epochs: int
    readout: str
    views: Mapping[str, ViewRecipe]


def _affect(task: str, readout: str, **chosen: tuple[float, float]) -> Recipe:
    views = {view: ViewRecipe(Hyperparameters(*pair)) for view, pair in chosen.items()}
    return Recipe(task, 50, readout, views)


#: The datasets of sentiment, humour and sarcasm: a speaker's face, voice and words.
AFFECT: dict[str, Recipe] = {
    "mosi": _affect(
        "regression",
        "mean_with_padding",
        vision=(1e-3, 0.01),
        audio=(1e-3, 0.01),
        text=(1e-4, 0.01),
    ),
    "mosei": _affect(
        "regression", "mean_with_padding", vision=(5e-5, 0.1), audio=(1e-4, 0.0), text=(1e-5, 0.0)
    ),
    "ur-funny": _affect(
        "classification", "cls", vision=(1e-5, 0.01), audio=(5e-4, 0.001), text=(5e-5, 0.0)
    ),
    "mustard": _affect(
        "classification", "cls", vision=(5e-4, 0.0), audio=(5e-4, 0.1), text=(1e-4, 0.1)
    ),
}

RECIPES: dict[str, Recipe] = {
    **AFFECT,
    "av-mnist": Recipe(
        "classification",
        100,
        "cls",
        {
            "image": ViewRecipe(Hyperparameters(1e-3, 0.0), "patch_vit", {"patch": 4}),
            "audio": ViewRecipe(Hyperparameters(1e-3, 1e-4)),
        },
    ),
}
