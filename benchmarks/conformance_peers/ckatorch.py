"""ckatorch: CKA of feature matrices in torch, always in float64."""

from __future__ import annotations

from .models import BATCH
from .peer import Call, Peer, options_text, tensors
from .reasons import BATCHES, NOISE


def base(x, y, **options):
    from ckatorch import cka_base

    return cka_base(*tensors(x, y), **options)


def batches(x, y):
    """As many whole batches as there are, stacked."""
    from ckatorch import cka_batch

    whole = len(x) // BATCH * BATCH
    return cka_batch(*(z[:whole].reshape(-1, BATCH, z.shape[1]) for z in tensors(x, y)))


def call(metric, reasons, **options):
    spelled = f"cka_base(x, y{options_text(options)})"
    return Call(metric, spelled, lambda x, y: base(x, y, **options), "float64", reasons)


CONSTANT = {"rounded_constant": NOISE}

PEER = Peer(
    name="ckatorch",
    requirements=("ckatorch==1.0.3",),
    calls=(
        call("cka_linear_biased", CONSTANT),
        call("cka_linear_unbiased", {"constant": NOISE, **CONSTANT}, unbiased=True),
        call(
            "cka_linear_unbiased",
            {"*": "this method does not read `unbiased`: it is the biased estimate", **CONSTANT},
            unbiased=True,
            method="hsic",
        ),
        call(
            "cka_rbf_median_biased",
            {"ordinary": "its median counts the n zeros of each sample to itself"},
            kernel="rbf",
        ),
        Call("cka_linear_streamed", "cka_batch(x, y)", batches, "float64", {"ordinary": BATCHES}),
    ),
)
