"""The tables of a finished study of captions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import UserError
from ...files import read_json
from .published import SAMPLES, K


@dataclass(frozen=True)
class CaptionResults:
    """study.json with ``alignments`` and ``samples`` as the study wrote them."""

    directory: Path
    study: dict[str, Any]
    alignments: pd.DataFrame
    samples: pd.DataFrame

    @cached_property
    def levels(self) -> list[int]:
        return [int(level) for level in self.study["levels"]]

    @cached_property
    def language_models(self) -> list[str]:
        return list(pd.unique(self.alignments["language_model"]))

    @cached_property
    def families(self) -> dict[str, list[str]]:
        """Family -> its vision models."""
        pairs = self.alignments[["family", "vision_model"]].drop_duplicates()
        return {
            str(family): list(own["vision_model"])
            for family, own in pairs.groupby("family", sort=False)
        }

    @property
    def n(self) -> int:
        """How many captions there are at a level."""
        return int(self.alignments["n"].iloc[0])

    @property
    def as_published(self) -> bool:
        """Whether the published numbers are of as many samples and neighbours."""
        return self.n == SAMPLES and self.study["k"] == K

    @cached_property
    def mean_log_length(self) -> dict[int, float]:
        """Level -> mean of the logarithm of its captions' lengths in characters."""
        return {
            level: float(np.log(self._grid(level, "characters")[0]).mean()) for level in self.levels
        }

    def mean_similarity(self, level: int) -> float:
        """Mean cosine of a level's captions to their originals; NaN where the file has none."""
        return float(self._grid(level, "similarity")[0].mean())

    def lengths(self, level: int) -> np.ndarray:
        """(n,) characters of the captions of a level."""
        return self._grid(level, "characters")[0]

    def bits(self, level: int) -> np.ndarray:
        """(language models, n) bits per byte."""
        return self._grid(level, "bits_per_byte")

    def overlap(self, level: int, vision_models: list[str]) -> np.ndarray:
        """(language models, n) share of neighbours in common, mean over vision models."""
        shared = [self._grid(level, vision_model) for vision_model in vision_models]
        return np.mean(shared, axis=0) / self.study["k"]

    def alignment(self, level: int, vision_model: str) -> tuple[np.ndarray, np.ndarray]:
        """(language models,) best alignment, and performance: minus bits per byte."""
        own = self.alignments[
            (self.alignments["level"] == level) & (self.alignments["vision_model"] == vision_model)
        ].set_index("language_model")
        own = own.loc[self.language_models]
        return own["alignment"].to_numpy(float), -own["bits_per_byte"].to_numpy(float)

    @cached_property
    def _by_level(self) -> dict[int, pd.DataFrame]:
        return {int(level): own for level, own in self.samples.groupby("level")}

    def _grid(self, level: int, column: str) -> np.ndarray:
        values = self._by_level[level][column].to_numpy(float)
        return values.reshape(len(self.language_models), -1)


def load_caption_results(directory: str | os.PathLike[str]) -> CaptionResults:
    """Read a finished study; raises UserError where a file of it is missing or damaged."""
    directory = Path(directory)
    study = read_json(directory / "study.json")
    if not isinstance(study, dict) or study.get("name") != "captions":
        raise UserError(f"{directory} does not hold a study of captions.")
    tables = {}
    for name in ("alignments", "samples"):
        path = directory / f"{name}.parquet"
        if not path.exists():
            raise UserError(
                f"The study in {directory} is not finished: it has no {path.name}. Run it again; "
                "it continues."
            )
        try:
            tables[name] = pd.read_parquet(path)
        # pyarrow has no error of its own for damage.
        except Exception as error:
            raise UserError(f"{path} is damaged ({type(error).__name__}).") from None
    return CaptionResults(directory, study, tables["alignments"], tables["samples"])
