"""Linear CKA of samples that come in batches, from any number of workers."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from ._arrays import Array, Input, _numpy_value, as_input, same_samples
from ._checks import at_least
from ._moments import DEGENERATE, Moments, extended, hsic_from_products, merged
from ._warn import warn

# Rows read at once: a large batch is never copied whole.
_ROWS = 4096


class LinearCKA:
    """:func:`mmkernels.cka` of all samples seen so far, exact, from one pass over batches.

    Nothing is averaged over batches: the score is that of all samples at once, whatever the
    batches were, to the rounding of float64. Parts measured elsewhere (another worker, another
    day) are combined with :meth:`merge`, in any order. Pickles, and gives its state as plain
    arrays.

    Cost of n samples: n (d_x + d_y)^2 / 2 multiply-adds in float64 and, for each batch, about
    (d_x + d_y)^2 of them to move the sums to the new mean: batches of a few hundred rows hide it.
    Memory: at most 8 (d_x + d_y + 4)^2 bytes, and up to three times that while a batch is added.
    Moving all samples by a million times their spread costs no digits, and the bits are the same
    for any number of threads.

    The sums are those of Song et al. 2012, equation 5, written for centred linear kernels; parts
    are merged about a common mean as in Chan, Golub and LeVeque 1979.

    >>> draw = np.random.default_rng(0)
    >>> x, y = draw.normal(size=(100, 3)), draw.normal(size=(100, 2))
    >>> score = mmkernels.LinearCKA()
    >>> for rows in (slice(0, 37), slice(37, 38), slice(38, 100)):
    ...     score.update(x[rows], x[rows] + y[rows, :1])
    >>> bool(np.isclose(score.compute(), mmkernels.cka(x, x + y[:, :1]), rtol=1e-5))
    True
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._moments: Moments | None = None
        self._wrap = _numpy_value

    @property
    def count(self) -> int:
        """Samples seen so far."""
        return self._moments.count if self._moments else 0

    def update(self, x: Array, y: Array) -> None:
        """Add a batch of paired samples.

        Parameters
        ----------
        x, y : (b, d_x) and (b, d_y) arrays of any real type, rows paired; b may be 0, 1 or more
            than fits in memory (a memory map is read 4096 rows at a time).

        Raises what :func:`mmkernels.cka` raises for such arrays, and ValueError where the widths
        are not those of the batches before. An update that raises or is interrupted leaves the
        samples seen so far as they were.
        """
        left, right = as_input("x", x), as_input("y", y)
        same_samples(left, right)
        self._check_widths(
            (left.shape[1], right.shape[1]), f"x and y have shapes {left.shape} and {right.shape}"
        )
        n = left.shape[0]
        total = self._moments
        for first in range(0, n, _ROWS):
            total = extended(total, left, right, first, min(n, first + _ROWS))
        if n:
            self._adopt(total, left)

    def merge(self, other: LinearCKA) -> LinearCKA:
        """Add all samples that ``other`` has seen; ``other`` stays as it is. Returns itself."""
        if not isinstance(other, LinearCKA):
            raise TypeError(f"other must be a LinearCKA; it is a {type(other).__name__}.")
        if other._moments:
            widths = other._moments.widths
            self._check_widths(widths, f"other has seen d_x and d_y of {widths}")
            total = merged(self._moments, other._moments) if self._moments else other._moments
            self._adopt(total, other)
        return self

    def compute(self, unbiased: bool = True) -> Array:
        """The score of all samples so far, as :func:`mmkernels.cka` defines it.

        A float64 scalar of the library of the first batch. NaN, with a warning, where all rows of
        a side are equal or rounding leaves nothing. Raises
        ValueError for fewer than 4 samples (biased: 2).
        """
        (cross, _), *own = self._terms(("xy", "xx", "yy"), unbiased)
        norms = []
        units = (self._moments.unit_x, self._moments.unit_y)
        for name, unit, (value, magnitude) in zip("xy", units, own, strict=True):
            nothing = not value > DEGENERATE * magnitude
            if unit == 0:
                warn(f"{name} is constant over all {self.count} samples: its CKA is 0 / 0, NaN.")
            elif nothing:
                warn(
                    f"All {self.count} samples of {name} are equally alike, or one outweighs all "
                    "others: rounding leaves nothing of its CKA, NaN."
                )
            norms.append(np.nan if nothing else np.sqrt(value))
        return self._wrap(np.float64(cross / (norms[0] * norms[1])))

    def hsic(self, unbiased: bool = True) -> Array:
        """Linear :func:`mmkernels.hsic` of all samples so far."""
        ((value, _),) = self._terms(("xy",), unbiased)
        unit_x, unit_y = self._moments.unit_x, self._moments.unit_y
        return self._wrap(np.float64(value) * unit_x * unit_x * unit_y * unit_y)

    def state_dict(self) -> dict[str, np.ndarray]:
        """All that is remembered, as numpy arrays; empty while no sample has been seen."""
        if self._moments is None:
            return {}
        return {f.name: np.array(getattr(self._moments, f.name)) for f in fields(Moments)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where the :meth:`state_dict` of another one left off."""
        if not state:
            return self.reset()
        wanted = {f.name for f in fields(Moments)}
        if set(state) != wanted:
            raise ValueError(
                f"state must hold {', '.join(sorted(wanted))}; it holds "
                f"{', '.join(sorted(map(str, state)))}."
            )
        values = {name: np.array(value, np.float64) for name, value in state.items()}
        for name in ("count", "unit_x", "unit_y"):
            values[name] = (int if name == "count" else float)(values[name])
        moments = Moments(**values)
        d_x, d_y = moments.widths
        shapes = {"xx": (d_x + 2, d_x + 2), "xy": (d_x + 2, d_y + 2), "yy": (d_y + 2, d_y + 2)}
        for name, shape in shapes.items():
            if values[name].shape != shape:
                raise ValueError(
                    f"state[{name!r}] must have shape {shape} beside means of {d_x} and {d_y} "
                    f"features; its shape is {values[name].shape}."
                )
        self._moments, self._wrap = moments, _numpy_value

    def __repr__(self) -> str:
        widths = f", d_x={self._moments.widths[0]}, d_y={self._moments.widths[1]}"
        return f"LinearCKA(count={self.count}{widths if self._moments else ''})"

    def _terms(self, names: tuple[str, ...], unbiased: bool) -> list[tuple[float, float]]:
        least, why = (4, "An unbiased estimate") if unbiased else (2, "A biased estimate")
        widths = self._moments.widths if self._moments else ("d_x", "d_y")
        at_least(self.count, least, "all that was seen", (self.count, *widths), why)
        estimator = "song" if unbiased else "gretton"
        return [hsic_from_products(getattr(self._moments, name), estimator) for name in names]

    def _check_widths(self, widths: tuple[int, int], what: str) -> None:
        if self._moments and widths != self._moments.widths:
            d_x, d_y = self._moments.widths
            raise ValueError(
                f"All batches must have d_x = {d_x} and d_y = {d_y} features, as the "
                f"first one had; {what}."
            )

    def _adopt(self, total: Moments, source: Input | LinearCKA) -> None:
        # One assignment each: an interrupt finds the old samples or the new ones.
        if self._moments is None:
            self._wrap = source.wrap if isinstance(source, Input) else source._wrap
        self._moments = total
