"""The samples that go through a model: texts, images or sounds, read in pieces."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from .media import media_samples
from .texts import SUFFIXES, text_samples


@dataclass(frozen=True)
class Samples:
    """``n`` samples of one modality, text, image or audio; ``read`` goes through them in order.

    A text is a str; an image or a sound has a ``name`` and a ``load()``.
    """

    name: str
    modality: str
    n: int
    sha256: str
    read: Callable[[], Iterator[Any]]

    def windows(self, size: int) -> Iterator[tuple[int, list[Any]]]:
        """Yield (row of the first sample, samples) for pieces of at most ``size``."""
        samples = self.read()
        start = 0
        while window := list(itertools.islice(samples, size)):
            yield start, window
            start += len(window)


def open_samples(
    data: str | os.PathLike[str], column: str | None = None, split: str | None = None
) -> Samples:
    """Open a file of texts, a directory of images or sounds, or ``hf:owner/name``.

    Reads everything once, to count it and for its sha256. Raises UserError, naming the file, for
    what is missing, damaged, empty or of an unknown kind, and for options that do not apply.
    """
    data = os.fspath(data)
    if data.startswith("hf:"):
        from .hub_data import hub_samples

        modality, n, sha256, read = hub_samples(data, column, split)
        return Samples(data.removeprefix("hf:").replace("/", "_"), modality, n, sha256, read)
    if split is not None:
        raise UserError(f"--split is for data of a hub, hf:owner/name; {data} is not.")
    path = Path(data)
    if path.is_dir():
        if column is not None:
            raise UserError(f"--column is for files of texts; {path} is a directory.")
        modality, n, sha256, read = media_samples(path)
        return Samples(path.resolve().name, modality, n, sha256, read)
    if not path.exists():
        raise UserError(
            f"{path} does not exist; data is a file of texts ({', '.join(SUFFIXES)}), a directory "
            "of images or sounds, or hf:owner/name."
        )
    n, sha256, read = text_samples(path, column)
    return Samples(path.stem, "text", n, sha256, read)
