"""Encoders by name, and the classifier that trains them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ..errors import UserError
from .checks import check_depth
from .mlp import MLP
from .patch_vit import PatchViT
from .transformer import Transformer

ENCODERS: dict[str, type[nn.Module]] = {
    "mlp": MLP,
    "transformer": Transformer,
    "patch_vit": PatchViT,
}


def build_encoder(kind: str, input_shape: Sequence[int], depth: int, **options: Any) -> nn.Module:
    """Make the encoder named ``kind`` ("mlp", "transformer", "patch_vit") for one view.

    input_shape: the shape of one sample, without the batch axis.
    depth:       number of layers, at least 1; as many representations come back.
    options:     keyword arguments of the class in :data:`ENCODERS`.

    The encoder has an attribute ``width`` and is called as
    ``encoder(x, padding=None) -> (output (n, width), [representation (n, width_l) per layer])``.
    Its weights are drawn from torch's default generator. Raises UserError for a name, shape,
    depth or option that does not exist or does not fit.
    """
    if kind not in ENCODERS:
        raise UserError(f"There is no encoder {kind!r}; choose one of {', '.join(ENCODERS)}.")
    check_depth(depth)
    encoder = ENCODERS[kind]
    known = [name for name in inspect.signature(encoder).parameters][2:]
    for name in options:
        if name not in known:
            raise UserError(
                f"The encoder {kind!r} has no option {name!r}; it has {', '.join(known)}."
            )
    return encoder(tuple(int(length) for length in input_shape), depth, **options)


class Classifier(nn.Module):
    """An encoder with the linear head it is trained through."""

    def __init__(self, encoder: nn.Module, n_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.width, n_classes)

    def forward(self, x: Tensor, padding: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return logits (n, n_classes) and the representation of every layer."""
        output, layers = self.encoder(x, padding)
        return self.head(output), layers
