"""pytorch-cka: unbiased linear CKA of features or of layers."""

from __future__ import annotations

from .models import BATCH, models, numbers
from .peer import Call, Peer, tensors
from .reasons import BATCHES, CANCELS, OVERFLOW


def from_features(x, y):
    from cka import cka_from_features

    return cka_from_features(*tensors(x, y)).item()


def over_batches(x, y):
    from cka import compute_cka

    found = compute_cka(*models(x, y), numbers(len(x), BATCH), layers=["rows"], progress=False)
    return found[0].item()


ZERO = "puts 1e-6 for a denominator of 0, and so answers 0"

PEER = Peer(
    name="pytorch-cka",
    requirements=("pytorch-cka==1.1.3",),
    calls=(
        Call(
            "cka_linear_unbiased",
            "cka_from_features(x, y)",
            from_features,
            reasons={
                "offset": f"{CANCELS}, and cuts the result to 0 ... 1",
                "constant": ZERO,
                "rounded_constant": ZERO,
                "half": OVERFLOW,
            },
        ),
        Call(
            "cka_linear_streamed",
            "compute_cka(model_x, model_y, batches)",
            over_batches,
            reasons={"ordinary": BATCHES},
        ),
    ),
)
