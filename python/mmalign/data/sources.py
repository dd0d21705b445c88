"""Data sets by name."""

from __future__ import annotations

from ..errors import UserError
from .affect import LAYOUTS, load_affect
from .av_digits import build_av_digits
from .av_mnist import load_av_mnist
from .paired import PairedDataset

AFFECT = tuple(name for layout in LAYOUTS for name in (layout.name, layout.title.lower()))


def load_dataset(source: str, progress: bool = False) -> PairedDataset:
    """Load "av-digits", or data on disk as NAME:PATH.

    "av-digits"              made first if the cache does not hold it; ``progress`` says so on
                             standard error.
    "av-mnist:PATH"          a directory in the layout of AV-MNIST.
    "mosi:PATH", "mosei:PATH", "ur-funny:PATH" or "humor:PATH", "mustard:PATH" or "sarcasm:PATH"
                             the file of MultiBench, or a directory that holds it.

    Raises UserError for another name, a missing path and damaged data.
    """
    name, _, path = source.partition(":")
    if source == "av-digits":
        return load_av_mnist(build_av_digits(progress=progress), name="av-digits")
    if name == "av-mnist" and path:
        return load_av_mnist(path)
    if name in AFFECT and path:
        return load_affect(path, name)
    raise UserError(
        f"There is no data set {source!r}; there are av-digits and, as NAME:PATH, av-mnist, mosi, "
        "mosei, ur-funny and mustard."
    )
