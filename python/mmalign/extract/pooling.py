"""One vector a sample from the states of its tokens."""

from __future__ import annotations

import torch

POOLINGS = ("mean", "last", "cls")


def pool_tokens(states: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Return (batch, width) float32 from ``states`` (batch, tokens, width).

    mask: (batch, tokens) bool, True at the tokens of the sample; its True run may lie anywhere, so
    padding on the left and on the right give the same. mean: over those tokens, summed in float32.
    last, cls: the state of the last and of the first of them. Every row needs one True.
    """
    if pooling == "mean":
        # Not a product with the mask: a padded position may hold NaN.
        kept = torch.where(mask.unsqueeze(-1), states, states.new_zeros(()))
        return kept.sum(1, dtype=torch.float32) / mask.sum(1, dtype=torch.float32).unsqueeze(-1)
    positions = torch.arange(mask.shape[1], device=mask.device)
    if pooling == "last":
        chosen = torch.where(mask, positions, -1).amax(1)
    elif pooling == "cls":
        chosen = torch.where(mask, positions, mask.shape[1]).amin(1)
    else:
        raise ValueError(f"pooling must be one of {POOLINGS}, got {pooling!r}")
    return states[torch.arange(len(states), device=states.device), chosen].float()
