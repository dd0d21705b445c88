"""The real data of arXiv 2502.16282, table 1: affect in speech, and digits seen and heard."""

from __future__ import annotations

from .presets import PRESETS, benchmark_study, follows_the_paper
from .recipes import AFFECT, RECIPES, SEARCH_SPACE, Recipe, ViewRecipe

__all__ = [
    "AFFECT",
    "PRESETS",
    "RECIPES",
    "SEARCH_SPACE",
    "Recipe",
    "ViewRecipe",
    "benchmark_study",
    "follows_the_paper",
]
