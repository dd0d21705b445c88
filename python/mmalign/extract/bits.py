"""How well a causal language model predicts a text: bits per byte."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch


def bits_per_byte(
    logits: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor, texts: Sequence[str]
) -> torch.Tensor:
    """Return (batch,) float64: the sum over predicted tokens of -log2 p, by the text's UTF-8 bytes.

    logits: (batch, tokens, vocabulary); those at t predict token t + 1. tokens: (batch, tokens).
    mask: (batch, tokens) bool, one run of True a row. A text of one token predicts nothing: NaN,
    since 0 would read as perfect prediction. Memory: one row of logits in float32.
    """
    bits = torch.full((len(texts),), math.nan, dtype=torch.float64)
    for row, text in enumerate(texts):
        positions = mask[row].nonzero().squeeze(1)
        if len(positions) < 2:
            continue
        nats = torch.nn.functional.cross_entropy(
            logits[row, positions[:-1]].float(), tokens[row, positions[1:]], reduction="none"
        )
        bits[row] = nats.double().sum().item() / math.log(2) / len(text.encode("utf-8"))
    return bits
