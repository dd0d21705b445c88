"""torch-cka: unbiased linear CKA between layers of models, averaged over batches."""

from __future__ import annotations

from .models import BATCH, models, numbers
from .peer import Call, Peer
from .reasons import BATCHES, CANCELS


def compare(x, y, batch=None):
    from torch_cka import CKA

    cka = CKA(*models(x, y), model1_layers=["rows"], model2_layers=["rows"])
    cka.compare(numbers(len(x), batch))
    return cka.export()["CKA"].item()


PEER = Peer(
    name="torch-cka",
    distribution="torch_cka",
    requirements=("torch_cka==0.21", "tqdm==4.70.1"),
    calls=(
        Call(
            "cka_linear_unbiased",
            "CKA(...).compare(one batch)",
            compare,
            reasons={"offset": CANCELS},
        ),
        Call(
            "cka_linear_streamed",
            "CKA(...).compare(batches)",
            lambda x, y: compare(x, y, BATCH),
            reasons={"ordinary": BATCHES},
        ),
    ),
)
