"""Data sets by name."""

from __future__ import annotations

from ..errors import UserError
from .av_digits import build_av_digits
from .av_mnist import load_av_mnist
from .paired import PairedDataset


def load_dataset(source: str, progress: bool = False) -> PairedDataset:
    """Load "av-digits", or "av-mnist:PATH" for a directory in the layout of AV-MNIST.

    "av-digits" is made first if the cache does not hold it; ``progress`` says so on standard
    error. Raises UserError for another name, a missing path and damaged data.
    """
    name, _, path = source.partition(":")
    if source == "av-digits":
        return load_av_mnist(build_av_digits(progress=progress), name="av-digits")
    if name == "av-mnist" and path:
        return load_av_mnist(path)
    raise UserError(
        f"There is no data set {source!r}; there are av-digits and av-mnist:PATH, PATH being a "
        "directory in the layout of AV-MNIST."
    )
