"""Data sets by name."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from .affect import LAYOUTS, load_affect
from .av_digits import build_av_digits
from .av_mnist import load_av_mnist
from .mm_imdb import GENRE, load_mm_imdb
from .paired import PairedDataset

AFFECT = tuple(name for layout in LAYOUTS for name in (layout.name, layout.title.lower()))


def load_dataset(source: str, progress: bool = False) -> PairedDataset:
    """Load "av-digits", or data on disk as NAME:PATH.

    "av-digits"              made first if the cache does not hold it; ``progress`` says so on
                             standard error.
    "av-mnist:PATH"          a directory in the layout of AV-MNIST.
    "mosi:PATH", "mosei:PATH", "ur-funny:PATH" or "humor:PATH", "mustard:PATH" or "sarcasm:PATH"
                             the file of MultiBench, or a directory that holds it.
    "mm-imdb:PATH:GENRE"     multimodal_imdb.hdf5 or its directory; the label says whether a film
                             has the genre, drama when :GENRE is left out.

    Raises UserError for another name, a missing path and damaged data.
    """
    name, _, path = source.partition(":")
    if source == "av-digits":
        return load_av_mnist(build_av_digits(progress=progress), name="av-digits")
    if name == "av-mnist" and path:
        return load_av_mnist(path)
    if name in AFFECT and path:
        return load_affect(path, name)
    if name == "mm-imdb" and path:
        # Paths may have colons of their own, genres have neither those nor slashes.
        place, _, genre = path.rpartition(":")
        has_genre = bool(place) and "/" not in genre and not Path(path).exists()
        return load_mm_imdb(place, genre) if has_genre else load_mm_imdb(path, GENRE)
    raise UserError(
        f"There is no data set {source!r}; there are av-digits and, as NAME:PATH, av-mnist, mosi, "
        "mosei, ur-funny, mustard and mm-imdb."
    )
