"""Data sets of a hub, through the datasets library."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.arrays import one_line
from ..errors import UserError
from ..optional import require
from .media import at_rate
from .texts import choose_column

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class HubImage:
    """An image of a data set, decoded when it is asked for."""

    rows: Any
    row: int
    column: str

    @property
    def name(self) -> str:
        return f"{self.column} {self.row}"

    def load(self) -> Image:
        return self.rows[self.row][self.column].convert("RGB")


@dataclass(frozen=True)
class HubSound:
    """A recording of a data set, decoded when it is asked for."""

    rows: Any
    row: int
    column: str

    @property
    def name(self) -> str:
        return f"{self.column} {self.row}"

    def seconds(self) -> float:
        sound = self.rows[self.row][self.column]
        return len(sound["array"]) / sound["sampling_rate"]

    def load(self, rate: int) -> np.ndarray:
        sound = self.rows[self.row][self.column]
        return at_rate(self.name, np.asarray(sound["array"]), sound["sampling_rate"], rate)


def hub_samples(
    data: str, column: str | None, split: str | None
) -> tuple[str, int, str, Callable[[], Iterator[Any]]]:
    """Fetch ``hf:owner/name[@revision]``; the result is that of :func:`rows_of`."""
    try:
        datasets = require("datasets", "data of a hub")
    except UserError:
        raise UserError(
            f"{data} needs the package datasets, which is not installed: pip install datasets. "
            "Data on disk need no package: a file of texts or a directory."
        ) from None
    if int(datasets.__version__.partition(".")[0]) < 4:
        raise UserError(
            f"{data} needs datasets 4 or later, which runs no code of a data set; installed is "
            f"{datasets.__version__}."
        )
    repository, _, revision = data.removeprefix("hf:").partition("@")
    try:
        rows = datasets.load_dataset(repository, revision=revision or None, split=split or "train")
    # Names, rights, formats and the network fail with errors of several libraries.
    except Exception as error:
        raise UserError(f"{data} cannot be fetched ({one_line(error)}).") from None
    return rows_of(data, rows, column)


def rows_of(
    data: str, rows: Any, column: str | None
) -> tuple[str, int, str, Callable[[], Iterator[Any]]]:
    """Return (modality, n, sha256 of the library's fingerprint, a function through the samples).

    rows: a sequence of dictionaries with ``column_names``. The first row tells the modality: a
    text or a list of texts (the first is taken), an image, or a sound.
    """
    if len(rows) == 0:
        raise UserError(f"{data} holds no samples.")
    chosen = choose_column(data, list(rows.column_names), column)
    first = rows[0][chosen]
    digest = hashlib.sha256(f"{data}\0{chosen}\0{rows._fingerprint}".encode()).hexdigest()
    if isinstance(first, str) or (isinstance(first, list) and first and isinstance(first[0], str)):
        modality, kind = "text", None
    elif hasattr(first, "convert"):
        modality, kind = "image", HubImage
    elif hasattr(first, "__getitem__") and not isinstance(first, (list, bytes)):
        modality, kind = "audio", HubSound
    else:
        raise UserError(
            f"{data}: column {chosen} holds {type(first).__name__}; expected texts, images or "
            "sounds."
        )

    def read() -> Iterator[Any]:
        for row in range(len(rows)):
            if kind is not None:
                yield kind(rows, row, chosen)
                continue
            value = rows[row][chosen]
            text = value[0] if isinstance(value, list) and value else value
            if not isinstance(text, str):
                raise UserError(f"{data}: {chosen} {row} is a {type(text).__name__}, not a text.")
            yield text

    return modality, len(rows), digest, read
