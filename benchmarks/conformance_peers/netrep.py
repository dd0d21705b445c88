"""netrep: the shape metrics of Williams et al. 2021."""

from __future__ import annotations

import math

from .peer import Call, Peer
from .reasons import NOISE, OVERFLOW


def angle(x, y):
    from netrep.metrics import LinearMetric

    return LinearMetric(alpha=1.0, score_method="angular").fit_score(x, y)


def cka(x, y):
    from netrep.metrics import LinearCKA

    return math.cos(LinearCKA().score(x, y))


PEER = Peer(
    name="netrep",
    checkout="https://github.com/ahwillia/netrep",
    requirements=("tqdm==4.70.1",),
    calls=(
        Call(
            "cka_linear_biased",
            "cos(LinearCKA().score(x, y))",
            cka,
            reasons={"rounded_constant": NOISE, "half": OVERFLOW},
        ),
        Call(
            "angular_shape_distance",
            "LinearMetric(alpha=1).fit_score(x, y)",
            angle,
            reasons={"rounded_constant": NOISE},
        ),
    ),
)
