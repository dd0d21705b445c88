"""torchmetrics: the Procrustes disparity, from which the similarity is sqrt(1 - disparity)."""

from __future__ import annotations

import math

import numpy as np

from .peer import Call, Peer, tensors
from .reasons import NOISE


def similarity(x, y):
    """The narrower side is padded with zeros: it wants equal shapes."""
    from torchmetrics.functional.shape import procrustes_disparity

    wide = max(x.shape[1], y.shape[1])
    padded = [np.pad(z, ((0, 0), (0, wide - z.shape[1]))) for z in (x, y)]
    found = procrustes_disparity(*(z[None] for z in tensors(*padded)))
    return math.sqrt(1 - float(np.ravel(found[0] if isinstance(found, tuple) else found)[0]))


PERFECT = "answers a disparity of 0, a perfect fit, when the singular value decomposition fails"

PEER = Peer(
    name="torchmetrics",
    requirements=("torchmetrics==1.9.0",),
    calls=(
        Call(
            "procrustes",
            "sqrt(1 - procrustes_disparity(x, y))",
            similarity,
            reasons={
                "constant": PERFECT,
                "nan": PERFECT,
                "half": PERFECT,
                "rounded_constant": NOISE,
            },
        ),
    ),
)
