"""How alike two clouds of samples are once they are moved, scaled and rotated onto each other.

:func:`procrustes` is a similarity, 1 for equal shapes; :func:`procrustes_distance` and
:func:`angular_shape_distance` are distances, 0 for equal shapes, and metrics: symmetric, with the
triangle inequality. All three are functions of one number and order pairs alike.

LAPACK and BLAS do the work in float64: the last bits can depend on their version and number of
threads, not on anything else.
"""

from __future__ import annotations

import numpy as np

from ._arrays import Array, Input
from ._dense import centered, norm, paired_inputs
from ._warn import warn

# Singular vectors of values below this share of the largest one have lost half of their digits.
_RESOLVED = 1e-8
# Products of what float64 leaves of directions that are not there, of shapes of norm 1.
_NOTHING = 1e-30


def procrustes(x: Array, y: Array) -> Array:
    """Procrustes similarity: the largest inner product of the shapes over all rotations.

    |X'Y|_* / (|X|_F |Y|_F) of the centred features, |.|_* the sum of singular values: between 0
    and 1, and 1 for equal representations up to rotation, reflection, shift and scale.
    Schönemann 1966; Williams et al. 2021. (1 - its square is the disparity of the statistics
    literature, which is a dissimilarity.)

    Parameters
    ----------
    x, y : (n, d_x) and (n, d_y) arrays of any real type, rows paired; the narrower side counts as
        padded with columns of zeros.

    Returns a float64 scalar of the library of ``x``; NaN, with a warning, where a side is
    constant. Unrelated sides score the higher the wider they are beside n.

    Cost: O(n d_x d_y + d_x d_y min(d_x, d_y)) for widths up to n; a wider side is first reduced
    to n columns, O(n^2 d). Memory 16 n (d_x + d_y) bytes.

    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> round(float(procrustes(x, x @ [[0, 3], [-3, 0]] + 7)), 6)
    1.0
    """
    left, right = paired_inputs(x, y, 2, "A shape")
    similarity, distance = _align(left, right)
    # Near 1, what the distance leaves of it has more digits, and never exceeds 1.
    return left.wrap(np.float64(1 - distance**2 / 2 if similarity > 0.5 else similarity))


def procrustes_distance(x: Array, y: Array) -> Array:
    """Procrustes distance: how far the shapes stay apart in the best rotation.

    min over rotations and reflections Q of |X Q - Y|_F for centred features of Frobenius norm 1,
    that is sqrt(2 - 2 :func:`procrustes`), between 0 and sqrt(2). Computed from the differences
    that remain, so a distance of 1e-12 has digits too, and rounding never makes it NaN. A metric
    on shapes (Kendall 1984; Williams et al. 2021).

    Parameters, edges, cost and memory as for :func:`procrustes`.

    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> float(procrustes_distance(x, x @ [[0, 3], [-3, 0]] + 7)) < 1e-14
    True
    """
    left, right = paired_inputs(x, y, 2, "A shape")
    return left.wrap(np.float64(_align(left, right)[1]))


def angular_shape_distance(x: Array, y: Array) -> Array:
    """Angle between two shapes in the best rotation: arccos of :func:`procrustes`, in radians.

    Between 0 and pi / 2, and a metric on shapes: the length of the shortest path between them on
    the sphere, of which :func:`procrustes_distance` is the chord (Williams et al. 2021, section
    2). Computed as 2 arcsin(chord / 2), which keeps its digits near 0.

    Parameters, edges, cost and memory as for :func:`procrustes`.

    >>> float(angular_shape_distance(np.eye(4)[:, :1], np.eye(4)[:, 1:2]))
    1.230959...
    """
    left, right = paired_inputs(x, y, 2, "A shape")
    return left.wrap(np.float64(2 * np.arcsin(_align(left, right)[1] / 2)))


def _align(left: Input, right: Input) -> tuple[float, float]:
    """Inner product and distance of the shapes in the best rotation; NaN for a constant side."""
    shapes = [_shape(left), _shape(right)]
    for side, shape in zip((left, right), shapes, strict=True):
        if shape is None:
            warn(f"{side.name} is constant (shape {side.shape}): its shape is 0 / 0, NaN.")
            return np.nan, np.nan
    wide, narrow = sorted(shapes, key=lambda shape: -shape.shape[1])
    similarity, rotation = _best_rotation(wide, narrow)
    return similarity, norm(wide - narrow @ rotation)


def _best_rotation(wide: np.ndarray, narrow: np.ndarray) -> tuple[float, np.ndarray]:
    """The largest inner product of the two, and the rotation of the narrow side that reaches it.

    It takes the narrow side into the space of the wide one, where it keeps its size.
    """
    u, sizes, vt = np.linalg.svd(wide.T @ narrow, full_matrices=False)
    known = int(np.count_nonzero(sizes > _RESOLVED * sizes[0]))
    if known == len(sizes) or sizes[0] < _NOTHING:
        return float(sizes.sum()), (u @ vt).T
    # Products of faint directions drown in the rounding of strong ones: apart, they keep digits.
    others_wide = np.linalg.qr(u[:, :known], mode="complete")[0][:, known:]
    others_narrow = vt[known:].T
    rest, turn = _best_rotation(wide @ others_wide, narrow @ others_narrow)
    rotation = vt[:known].T @ u[:, :known].T + others_narrow @ turn @ others_wide.T
    return float(sizes[:known].sum()) + rest, rotation


def _shape(rows: Input) -> np.ndarray | None:
    """Centred features of norm 1, in at most n coordinates of the space that their rows span."""
    values = centered(rows)
    size = norm(values)
    if size == 0:
        return None
    values /= size
    n, d = values.shape
    return values if d <= n else np.linalg.qr(values.T, mode="r").T
