"""Second moments of paired samples in float64, exact to rounding wherever the samples lie.

A centred row c is lifted to (c, |c|^2, 1). The sums of products of lifted rows hold all that
linear HSIC asks of the samples, and moving the rows is a linear map of the lifted ones, so parts
of the samples that were centred each at its own mean are brought to one mean and added: the
pairwise update of Chan, Golub and LeVeque 1979, for the fourth moments too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ._arrays import Input
from ._features import require_usable
from ._native import _cpu

# A self-similarity below this share of the kernel's mean square is what rounding leaves of zero.
DEGENERATE = 1e-12


@dataclass(frozen=True)
class Moments:
    """What paired samples leave behind; rows are (x - mean) / unit, units powers of two.

    The means are those of the samples up to rounding, and the exact sums of the rows about them
    are kept. A unit is at least the largest distance of a row so far, and 0 while there is none:
    squares of squares then neither overflow nor vanish.
    """

    count: int
    mean_x: np.ndarray
    mean_y: np.ndarray
    unit_x: float
    unit_y: float
    xx: np.ndarray  # (d_x + 2, d_x + 2) sums of products of lifted rows
    xy: np.ndarray  # (d_x + 2, d_y + 2)
    yy: np.ndarray  # (d_y + 2, d_y + 2)

    @property
    def widths(self) -> tuple[int, int]:
        return len(self.mean_x), len(self.mean_y)


def extended(moments: Moments | None, x: Input, y: Input, first: int, last: int) -> Moments:
    """Moments of the samples so far and of rows first to last (exclusive), in new arrays.

    The rows are checked, and read where they lie: no copy of all of them is made.
    """
    sides = [_measured(rows, first, last) for rows in (x, y)]
    (mean_x, unit_x), (mean_y, unit_y) = (
        (np.array(side.centre), 0.0 if side.constant else 1 / side.scale) for side in sides
    )
    count = last - first
    moves = None
    if moments:
        count += moments.count
        share = (last - first) / count
        mean_x, unit_x, moves_x = _common(moments.mean_x, moments.unit_x, mean_x, unit_x, share)
        mean_y, unit_y, moves_y = _common(moments.mean_y, moments.unit_y, mean_y, unit_y, share)
        moves = {"x": moves_x[0], "y": moves_y[0]}
    # The rows are placed at the common mean at once: their products need no moving.
    placed = {
        "x": (sides[0], mean_x, 1 / (unit_x or 1.0)),
        "y": (sides[1], mean_y, 1 / (unit_y or 1.0)),
    }

    def added(name: str) -> np.ndarray:
        left, right = name
        out = np.zeros([len(placed[side][1]) + 2 for side in name])
        if moments:
            _cpu.add_moved_products(getattr(moments, name), *moves[left], *moves[right], out)
        _cpu.add_lifted_products(*placed[left], *placed[right], out)
        return out

    return Moments(count, mean_x, mean_y, unit_x, unit_y, added("xx"), added("xy"), added("yy"))


def merged(a: Moments, b: Moments) -> Moments:
    """Moments of the samples of both, in new arrays."""
    count = a.count + b.count
    mean_x, unit_x, moves_x = _common(a.mean_x, a.unit_x, b.mean_x, b.unit_x, b.count / count)
    mean_y, unit_y, moves_y = _common(a.mean_y, a.unit_y, b.mean_y, b.unit_y, b.count / count)

    def added(name: str, moves_left: Any, moves_right: Any) -> np.ndarray:
        out = np.zeros_like(getattr(a, name))
        for part, left, right in zip((a, b), moves_left, moves_right, strict=True):
            _cpu.add_moved_products(getattr(part, name), *left, *right, out)
        return out

    return Moments(
        count,
        mean_x,
        mean_y,
        unit_x,
        unit_y,
        added("xx", moves_x, moves_x),
        added("xy", moves_x, moves_y),
        added("yy", moves_y, moves_y),
    )


def restored(state: Mapping[str, Any]) -> Moments:
    """Moments from arrays under the names of their fields, checked to be what samples leave."""
    wanted = {f.name for f in fields(Moments)}
    if set(state) != wanted:
        raise ValueError(
            f"state must hold {', '.join(sorted(wanted))}; it holds "
            f"{', '.join(sorted(map(str, state)))}."
        )
    values = {}
    for name in sorted(wanted):
        try:
            values[name] = np.array(state[name], np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"state[{name!r}] must be real numbers; it is not.") from None
        if not np.isfinite(values[name]).all():
            raise ValueError(f"state[{name!r}] must be finite; it holds NaN or infinity.")
    for name in ("mean_x", "mean_y"):
        if values[name].ndim != 1 or not values[name].size:
            raise ValueError(
                f"state[{name!r}] must be one mean per feature; its shape is {values[name].shape}."
            )
    d_x, d_y = (len(values[name]) for name in ("mean_x", "mean_y"))
    shapes = {"xx": (d_x + 2, d_x + 2), "xy": (d_x + 2, d_y + 2), "yy": (d_y + 2, d_y + 2)}
    shapes |= {"count": (), "unit_x": (), "unit_y": ()}
    for name, shape in shapes.items():
        if values[name].shape != shape:
            raise ValueError(
                f"state[{name!r}] must have shape {shape} beside means of {d_x} and {d_y} "
                f"features; its shape is {values[name].shape}."
            )
    count, *units = (float(values.pop(name)) for name in ("count", "unit_x", "unit_y"))
    for name in ("xx", "xy", "yy"):
        if not (count >= 1 and count.is_integer() and values[name][-1, -1] == count):
            raise ValueError(
                f"state['count'] must be the number of samples that state[{name!r}][-1, -1] is; "
                f"they are {count:g} and {values[name][-1, -1]:g}."
            )
    for name, unit in zip("xy", units, strict=True):
        if unit != 0 and np.frexp(unit)[0] != 0.5:
            raise ValueError(f"state['unit_{name}'] must be 0 or a power of two; it is {unit:g}.")
    return Moments(count=int(count), unit_x=units[0], unit_y=units[1], **values)


def products_of(x: Any, y: Any) -> np.ndarray:
    """Sums of products of lifted rows of two features, as these are centred and scaled."""
    sides = [(side, np.array(side.centre), side.scale) for side in (x, y)]
    out = np.zeros([len(centre) + 2 for _, centre, _ in sides])
    _cpu.add_lifted_products(*sides[0], *sides[1], out)
    return out


def hsic_from_products(products: np.ndarray, estimator: str) -> tuple[float, float]:
    """Linear HSIC and the mean product it is centred from, in the products' own units.

    Of rows at their mean, by estimator: "gretton", |X'Y|^2 / (n - 1)^2; "lange",
    [|X'Y|^2 - sum |x|^2 |y|^2] / (n (n-3)); "song", the U-statistic
    [|X'Y|^2 - n/(n-2) sum |x|^2 |y|^2 + sum |x|^2 sum |y|^2 / ((n-1)(n-2))] / (n (n-3)).
    """
    n = products[-1, -1]
    left, right = (-sums / n for sums in (products[:-2, -1], products[-1, :-2]))
    centred = np.zeros_like(products)
    _cpu.add_moved_products(products, 1.0, left, 1.0, right, centred)
    product = float(np.square(centred[:-2, :-2]).sum())  # pairwise summation, one thread
    magnitude = product / n**2
    if estimator == "gretton":
        return product / (n - 1) ** 2, magnitude
    if estimator == "lange":
        return (product - centred[-2, -2]) / (n * (n - 3)), magnitude
    both, x, y = centred[-2, -2], centred[-2, -1], centred[-1, -2]
    correction = x / (n - 1) * (y / (n - 2)) - n / (n - 2) * both
    return (product + correction) / (n * (n - 3)), magnitude


def _measured(rows: Input, first: int, last: int) -> Any:
    features = _cpu.Features(rows.values[first:last], rows.type, False, False)
    require_usable(features, rows, first)
    return features


def _common(
    mean_a: np.ndarray, unit_a: float, mean_b: np.ndarray, unit_b: float, share: float
) -> tuple[np.ndarray, float, list[tuple[float, np.ndarray]]]:
    """The mean and unit of two parts together, and how the rows of each get there."""
    apart = mean_b - mean_a
    mean = mean_a + apart * share
    longest = np.abs(apart).max()
    distance = longest * np.sqrt(np.square(apart / longest).sum()) if longest else 0.0
    # The smallest values of float64 have no reciprocal; a unit has.
    apart_unit = np.exp2(max(np.ceil(np.log2(distance)), -1023.0)) if distance else 0.0
    unit = max(unit_a, unit_b, apart_unit)
    # Rows that are all equal, at zero, have no unit to be brought to another.
    moves = [
        (part / unit if unit else 1.0, (centre - mean) / (unit or 1.0))
        for part, centre in ((unit_a, mean_a), (unit_b, mean_b))
    ]
    return mean, float(unit), moves
