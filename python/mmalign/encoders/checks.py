"""Checks that every encoder shares."""

from __future__ import annotations

from torch import Tensor

from ..errors import UserError


def check_depth(depth: int) -> int:
    """Return ``depth`` if it is a positive integer."""
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 1:
        raise UserError(f"The depth of an encoder must be an integer of at least 1, got {depth!r}.")
    return depth


def check_width(width: int) -> int:
    """Return ``width`` if it is a positive integer."""
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise UserError(f"width must be an integer of at least 1, got {width!r}.")
    return width


def check_batch(x: Tensor, input_shape: tuple[int, ...], kind: str) -> None:
    """Raise unless ``x`` is a batch of samples of ``input_shape``."""
    if tuple(x.shape[1:]) != input_shape:
        raise UserError(
            f"The encoder {kind!r} was built for samples of shape {input_shape}, got a batch of "
            f"shape {tuple(x.shape)}."
        )
