"""Feature matrices, each awkward in one stated way; the same seed gives the same values.

Every factory takes (n, d, seed) and returns an (n, d) float32 array without zero rows, except
`integers`, whose products and squared distances are exact in float64 and full of ties.
"""

from __future__ import annotations

import numpy as np

# Every size and every width is met; the products stay small enough for the n x n reference.
SHAPES = [
    (2, 1), (2, 1025), (3, 2), (3, 17), (4, 3), (4, 1024), (5, 1), (5, 15), (31, 16), (31, 1025),
    (32, 17), (32, 64), (33, 31), (33, 1024), (127, 33), (127, 2), (129, 64), (129, 127),
    (127, 255), (1000, 3), (1000, 33), (1000, 64),
]  # fmt: skip

SMALLEST_FLOAT32 = 2.0**-149


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def gaussian(n, d, seed=0):
    return generator(seed).standard_normal((n, d), dtype=np.float32)


def related(n, d_x, d_y, seed=0, noise=0.5, dtype=np.float32):
    """Two views of the same 8 latent factors: a score well between 0 and 1."""
    draw = generator(seed)
    latent = draw.standard_normal((n, 8))
    x = latent @ draw.standard_normal((8, d_x)) + noise * draw.standard_normal((n, d_x))
    y = np.tanh(latent @ draw.standard_normal((8, d_y))) + noise * draw.standard_normal((n, d_y))
    return x.astype(dtype), y.astype(dtype)


def far_from_origin(n, d, seed=0, offset=1e4):
    """A common offset of `offset` times the spread: products of rows hide the differences."""
    return (gaussian(n, d, seed) + np.float32(offset)).astype(np.float32)


def clustered(n, d, seed=0):
    """A few tight clusters far apart."""
    draw = generator(seed)
    centres = 10 * draw.standard_normal((max(2, n // 20), d))
    rows = centres[draw.integers(len(centres), size=n)] + 1e-3 * draw.standard_normal((n, d))
    return rows.astype(np.float32)


def duplicated(n, d, seed=0, copies=4):
    """Every row occurs about `copies` times, in shuffled order."""
    rows = gaussian(-(-n // copies), d, seed).repeat(copies, axis=0)[:n]
    return rows[generator(seed + 1).permutation(n)]


def all_equal(n, d, seed=0):
    return np.repeat(gaussian(1, d, seed), n, axis=0)


def heavy_tailed(n, d, seed=0):
    """Gaussian directions with Cauchy lengths, clipped to a factor of 1e6 either way."""
    lengths = np.clip(np.abs(generator(seed + 1).standard_cauchy((n, 1))), 1e-6, 1e6)
    return (gaussian(n, d, seed) * lengths).astype(np.float32)


def growing(n, d, seed=0):
    """Rows turn and grow with their index: each next candidate beats all before it."""
    position = np.linspace(0.05, 1, n)[:, None]
    start, end = generator(seed).standard_normal((2, d))
    rows = position * (np.cos(position) * start + np.sin(position) * end)
    return (rows + 1e-4 * gaussian(n, d, seed + 1)).astype(np.float32)


def hubs(n, d, seed=0):
    """Three rows are among the best candidates of all others."""
    draw = generator(seed)
    common = draw.standard_normal(d) * 2
    rows = common + draw.standard_normal((n, d))
    rows[draw.permutation(n)[:3]] = common * 3
    rows[draw.integers(n)] *= 1 + 1e-6  # equal only to rounding
    return rows.astype(np.float32)


def denormal(n, d, seed=0):
    """Multiples of the smallest positive float32, up to a few thousand of it."""
    draw = generator(seed)
    steps = draw.integers(1, 2000, size=(n, d)) * draw.choice([-1, 1], size=(n, d))
    return (steps * SMALLEST_FLOAT32).astype(np.float32)


def huge(n, d, seed=0):
    return gaussian(n, d, seed) * np.float32(1e30)


def low_rank(n, d, seed=0):
    draw = generator(seed)
    rank = min(d, 2)
    return (draw.standard_normal((n, rank)) @ draw.standard_normal((rank, d))).astype(np.float32)


def integers(n, d, seed=0, largest=3):
    return generator(seed).integers(-largest, largest + 1, size=(n, d)).astype(np.float32)


def signs(n, seed=0, d=64):
    """Entries of +-1 in 4, 16 or 64 columns: norms are whole, so cosines are exact and tie."""
    return generator(seed).choice([-1.0, 1.0], size=(n, d)).astype(np.float32)


AWKWARD = {
    factory.__name__: factory
    for factory in (
        gaussian, far_from_origin, clustered, duplicated, heavy_tailed, growing, hubs, denormal,
        huge, low_rank, all_equal,
    )
}  # fmt: skip
