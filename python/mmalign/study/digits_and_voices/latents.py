"""What the test samples of a balance show, kept beside its encoders."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ...data.digits_and_voices import Balance, DigitsAndVoices
from ...errors import UserError
from ...files import atomic_path

COLUMNS = ("sample", "seen", "turn", "heard", "voice", "label")


def write_latents(data: DigitsAndVoices, balance: Balance, directory: Path) -> None:
    """Write ``latents.parquet`` into the directory of a balance."""
    test = data.splits["test"]
    seen, turn, heard, voice = data.latents_at(balance)[test].T
    label = balance.label(seen, turn, heard, voice)
    table = pd.DataFrame(
        dict(zip(COLUMNS, (test, seen, turn, heard, voice, label), strict=True)), dtype="int64"
    )
    with atomic_path(directory / "latents.parquet") as temporary:
        table.to_parquet(temporary, index=False)


def read_latents(directory: Path) -> pd.DataFrame:
    """Read what :func:`write_latents` wrote; raises UserError for anything else."""
    path = directory / "latents.parquet"
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; run the study again, it continues.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}).") from None
    if tuple(table.columns) != COLUMNS:
        raise UserError(f"{path} has the columns {list(table.columns)}, expected {list(COLUMNS)}.")
    return table
