"""cka-pytorch: unbiased linear CKA between layers of models, over batches and epochs."""

from __future__ import annotations

from .models import BATCH, models, numbers
from .peer import Call, Peer
from .reasons import BATCHES, CANCELS, OVERFLOW


def matrix(x, y, batch=None):
    import torch
    from cka_pytorch import CKACalculator

    calculator = CKACalculator(
        *models(x, y), model1_layers=["rows"], device=torch.device("cpu"), verbose=False
    )
    return calculator.calculate_cka_matrix(numbers(len(x), batch), num_epochs=1).item()


EPSILON = "adds 1e-4 to the product of both HSIC, below the root"

PEER = Peer(
    name="cka-pytorch",
    requirements=(
        "cka-pytorch==1.1.3",
        "lightning==2.6.0",
        "pytorch-lightning==2.6.6",
        "lightning-utilities==0.15.3",
        "torchmetrics==1.9.0",
        "seaborn==0.13.2",
        "tqdm==4.70.1",
        "pyyaml==6.0.4",
    ),
    with_dependencies=False,
    calls=(
        Call(
            "cka_linear_unbiased",
            "calculate_cka_matrix(one batch, num_epochs=1)",
            matrix,
            reasons={"*": EPSILON, "offset": CANCELS, "half": OVERFLOW},
        ),
        Call(
            "cka_linear_streamed",
            "calculate_cka_matrix(batches, num_epochs=1)",
            lambda x, y: matrix(x, y, BATCH),
            reasons={"ordinary": f"{BATCHES}; {EPSILON}"},
        ),
    ),
)
