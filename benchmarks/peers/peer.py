"""What a benchmark needs to know of a library, ours included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata

import numpy as np

# (x, y) -> score; x and y are (n, d) float32 numpy arrays, rows paired.
Operation = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Peer:
    """One way of computing some of the operations of `problem.OPERATIONS`.

    Its library is imported when an operation is first called, so that a missing one can be
    listed as missing.
    """

    name: str
    distribution: str
    computes: str
    operations: Mapping[str, Operation]

    def version(self) -> str | None:
        """The installed version, or None."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None
