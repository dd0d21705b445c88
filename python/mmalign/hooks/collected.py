"""The rows gathered so far, by layer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

import numpy as np
from torch import Tensor

from ..errors import UserError
from .names import Layers


class Collected(Mapping[str, np.ndarray]):
    """Layer -> (n_samples, width) array, in the order of the model; grows with every call.

    ``n_samples`` is how many there are so far. Goes wherever a mapping of arrays does; its
    ``values()`` are what ``mmkernels.measure_matrix`` takes.
    """

    def __init__(self, layers: Layers, keep: int | None) -> None:
        self.layers, self.keep = layers, keep
        self.n_samples = 0
        self._calls = 0
        self._parts: dict[str, list[np.ndarray]] = {}
        self._called: set[str] = set()

    def __getitem__(self, name: str) -> np.ndarray:
        parts = self._parts[name]
        if len(parts) > 1:
            parts[:] = [np.concatenate(parts)]
        return parts[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name!r}: {array.shape}" for name, array in self.items())
        return f"Collected({{{shapes}}})"

    @property
    def is_full(self) -> bool:
        """Whether ``keep`` samples are there."""
        return self.keep is not None and self.n_samples >= self.keep

    def was_called(self, name: str) -> None:
        """Note that a layer fired, in a call of the model or not."""
        self._called.add(name)

    def add(self, batch: dict[str, Tensor]) -> None:
        """Append the rows of one call; all layers or none."""
        self._calls += 1
        if not batch:
            return
        first = next(iter(batch))
        n = len(batch[first])
        for name, rows in batch.items():
            if len(rows) != n:
                raise UserError(
                    f"In one call {first} gave {tuple(batch[first].shape)} and {name} "
                    f"{tuple(rows.shape)}; expected the same number of samples. Give batch_axis, "
                    "select or a function as pool, or leave one out."
                )
            known = self._parts.get(name)
            if known and known[0].shape[1] != rows.shape[1]:
                raise UserError(
                    f"{name} is {known[0].shape[1]} wide in one call and {rows.shape[1]} in "
                    "another; a pool that leaves no tokens gives every sample the same width."
                )
        if self._parts and batch.keys() != self._parts.keys():
            different = sorted(batch.keys() ^ self._parts.keys())[0]
            raise UserError(
                f"{different} fired in some calls of the model and not in others; leave "
                f"{different.partition('#')[0]} out."
            )
        room = n if self.keep is None else min(n, self.keep - self.n_samples)
        for name, rows in batch.items():
            kept = rows[:room].numpy() if room == n else rows[:room].numpy().copy()
            self._parts.setdefault(name, []).append(kept)
        self.n_samples += room

    def check(self) -> None:
        """Raise UserError, or warn, for layers that never fired."""
        if not self._calls and self._called:
            raise UserError(
                f"{min(self._called)} fired, but the model itself was not called; collect from "
                "the module that you call."
            )
        if not self._calls:
            raise UserError("There are no features: no call of the model has succeeded.")
        silent = [name for name in self.layers.modules if name not in self._parts]
        never = [name for name in silent if name in self.layers.exact or not self._parts]
        if never:
            raise UserError(
                f"{', '.join(never)} never fired: the model does not call it (attention reads its "
                "output layer's weights directly, for one); leave it out, or ask for the layer "
                "around it."
            )
        if silent:
            warnings.warn(
                f"Never fired, and left out: {', '.join(silent)}.", UserWarning, stacklevel=4
            )
