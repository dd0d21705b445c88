"""What a study of digits and voices consists of, and where it is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from ...data.digits_and_voices import BALANCES, Balance
from ...errors import UserError
from ...files import read_json, write_json
from ..description import Study

NAME = "digits-and-voices"


@dataclass(frozen=True)
class DigitsAndVoicesStudy:
    """An ordinary study of encoders for each balance; all have the same encoders but for the data.

    studies: by the name of the balance, in the order of
             :data:`mmalign.data.digits_and_voices.BALANCES`.
    """

    preset: str
    studies: Mapping[str, Study]

    @property
    def balances(self) -> list[Balance]:
        return [BALANCES[name] for name in self.studies]

    def describe(self) -> dict[str, Any]:
        """Return what study.json says of it, as plain JSON content."""
        return {
            "name": NAME,
            "preset": self.preset,
            "balances": [
                {
                    "name": balance.name,
                    "sources": list(balance.sources),
                    "fingerprint": self.studies[balance.name].dataset,
                    "encoders": [cell.hash for cell in self.studies[balance.name].encoder_cells],
                }
                for balance in self.balances
            ],
        }


def balance_directory(directory: str | os.PathLike[str], name: str) -> Path:
    """Return where the study of one balance is kept."""
    return Path(directory) / "balances" / name


def open_directory(directory: str | os.PathLike[str], study: DigitsAndVoicesStudy) -> None:
    """Begin or resume ``study``; raises UserError if the directory belongs to another study."""
    path = Path(directory) / "study.json"
    asked = json.loads(json.dumps(study.describe()))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.parent / ".study.lock"):
            if not path.exists():
                write_json(path, asked)
                return
    except OSError as error:
        raise UserError(
            f"{directory} cannot be used for a study: {error.strerror or error}."
        ) from None
    found = read_directory(directory)
    for key, value in asked.items():
        if found.get(key) != value:
            raise UserError(
                f"{directory} belongs to another study ({found['name']!r}, preset "
                f"{found.get('preset')!r}, balances {_names(found)}); the study asked for (preset "
                f"{study.preset!r}, balances {_names(asked)}) differs in its {key}. Use another "
                "directory."
            )


def read_directory(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the content of study.json; raises UserError where it is not of digits and voices."""
    path = Path(directory) / "study.json"
    found = read_json(path)
    if not isinstance(found, dict) or found.get("name") != NAME:
        name = found.get("name") if isinstance(found, dict) else None
        raise UserError(f"{path} describes no study of digits and voices, but {name!r}.")
    try:
        unknown = [one["name"] for one in found["balances"] if one["name"] not in BALANCES]
    except (KeyError, TypeError):
        raise UserError(f"{path} does not describe a study: it has no list of balances.") from None
    if unknown:
        raise UserError(f"{path} names the balance {unknown[0]!r}; there are {_known()}.")
    return found


def _names(content: Mapping[str, Any]) -> str:
    return ", ".join(one["name"] for one in content["balances"])


def _known() -> str:
    return ", ".join(BALANCES)
