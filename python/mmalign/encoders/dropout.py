"""Dropout that draws sixteen random bits per value instead of a float."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import UserError

_LEVELS = 1 << 16


class Dropout(nn.Module):
    """Zero each value with probability ``p`` while training and scale the rest by 1 / (1 - p).

    ``p`` is rounded to a multiple of 2^-16, and the scale follows the rounded value, so the
    expectation is exact. Small attention models on a CPU spend most of their time drawing
    dropout masks; four masks from each 64-bit draw of torch's default generator cost a third of
    ``torch.nn.Dropout``. Dimensionless, any shape, any device.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0.0 <= p < 1.0:
            raise UserError(f"dropout must be at least 0 and below 1, got {p!r}.")
        self.dropped_levels = min(round(p * _LEVELS), _LEVELS - 1)
        self.scale = _LEVELS / (_LEVELS - self.dropped_levels)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.dropped_levels == 0:
            return x
        words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device)
        # from=-2^63, to=None asks for all 64 bits; the default leaves the sign bit zero.
        words.random_(-(1 << 63), None)
        levels = words.view(torch.int16)[: x.numel()].view(x.shape)
        keep = levels >= self.dropped_levels - _LEVELS // 2
        return x * keep.to(x.dtype).mul_(self.scale)
