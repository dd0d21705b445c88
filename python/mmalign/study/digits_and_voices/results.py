"""Reading a finished study of digits and voices from its directory alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ...data.digits_and_voices import BALANCES, Balance
from ..results import StudyResults, load_results
from .description import balance_directory, read_directory
from .latents import read_latents


@dataclass(frozen=True)
class DigitsAndVoicesResults:
    """A finished study.

    study:    the content of study.json.
    balances: the results of each, by its name, in order.
    latents:  for each balance what its test samples show: columns sample (the row number in the
              data), seen, turn, heard, voice and label.
    """

    directory: Path
    study: dict[str, Any]
    balances: Mapping[str, StudyResults]
    latents: Mapping[str, pd.DataFrame]

    def items(self) -> list[tuple[Balance, StudyResults]]:
        """Return every balance with its results."""
        return [(BALANCES[name], results) for name, results in self.balances.items()]

    @property
    def elapsed_seconds(self) -> float | None:
        """Wall time of all runs of all balances; None where one has no log."""
        times = [results.elapsed_seconds for results in self.balances.values()]
        return None if None in times else sum(times)


def load_digits_and_voices_results(
    directory: str | os.PathLike[str],
) -> DigitsAndVoicesResults:
    """Read a study's directory; nothing is computed.

    Raises UserError when it is no such study's directory, or a balance is missing or not finished.
    """
    study = read_directory(directory)
    places = {one["name"]: balance_directory(directory, one["name"]) for one in study["balances"]}
    return DigitsAndVoicesResults(
        Path(directory),
        study,
        {name: load_results(place) for name, place in places.items()},
        {name: read_latents(place) for name, place in places.items()},
    )
