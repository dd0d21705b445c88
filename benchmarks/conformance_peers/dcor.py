"""dcor: distance correlation, as a V-statistic and unbiased."""

from __future__ import annotations

from .peer import Call, Peer
from .reasons import OVERFLOW


def biased(x, y):
    import dcor

    return dcor.distance_correlation(x, y)


def unbiased(x, y):
    import dcor

    return dcor.u_distance_correlation_sqr(x, y)


ZERO = "answers 0 for 0 / 0"

PEER = Peer(
    name="dcor",
    requirements=("dcor==0.7",),
    calls=(
        Call(
            "distance_correlation",
            "distance_correlation(x, y)",
            biased,
            reasons={
                "constant": ZERO,
                "rounded_constant": ZERO,
                "half": OVERFLOW,
            },
        ),
        Call("distance_correlation_unbiased", "u_distance_correlation_sqr(x, y)", unbiased),
    ),
)
