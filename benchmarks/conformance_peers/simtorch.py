"""simtorch: linear CKA and Procrustes distance between layers of models."""

from __future__ import annotations

from .models import BATCH, models, numbers
from .peer import Call, Peer
from .reasons import NOISE


def compute(name, x, y, batch=None, **options):
    from simtorch import similarity
    from simtorch.model import SimilarityModel
    from simtorch.similarity.procrustes import Procrustes

    measure = Procrustes if name == "Procrustes" else getattr(similarity, name)
    sides = [SimilarityModel(model, layers_to_include=["rows"]) for model in models(x, y)]
    return measure(*sides, **options).compute(numbers(len(x), batch)).item()


def unbiased(x, y, batch=None):
    return compute("CKA", x, y, batch, unbiased=True)


BIASED = "does not read `unbiased`: it is the biased estimate"
SUM = "the sum over batches (divided by the number of layers, not of batches), each biased"

PEER = Peer(
    name="simtorch",
    requirements=("simtorch==0.2.1", "seaborn==0.13.2", "tqdm==4.70.1"),
    with_dependencies=False,
    calls=(
        Call("cka_linear_biased", "CKA(...).compute(one batch)", lambda x, y: compute("CKA", x, y)),
        Call(
            "cka_linear_unbiased",
            "CKA(..., unbiased=True).compute(one batch)",
            unbiased,
            reasons={"*": BIASED},
        ),
        Call(
            "cka_linear_streamed",
            "CKA(..., unbiased=True).compute(batches)",
            lambda x, y: unbiased(x, y, BATCH),
            reasons={"ordinary": SUM},
        ),
        Call(
            "procrustes",
            "1 - Procrustes(...).compute(one batch)",
            lambda x, y: 1 - compute("Procrustes", x, y),
            reasons={"rounded_constant": NOISE},
        ),
    ),
)
