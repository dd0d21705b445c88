"""From a layer's output to one row per sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError

Pool = str | Callable[[Tensor, Tensor | None], Tensor]
POOLS = ("mean", "last", "cls", "flatten")


def check_pool(pool: Pool) -> None:
    """Raise UserError unless ``pool`` is a known name or a function."""
    if pool not in POOLS and not callable(pool):
        raise UserError(f"pool must be one of {', '.join(POOLS)} or a function, got {pool!r}.")


def first_tensor(output: Any) -> Tensor | None:
    """Return the first tensor in an output, depth first; None if it holds none."""
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        parts = list(output.values())
    elif isinstance(output, (tuple, list)):
        parts = list(output)
    elif is_dataclass(output) and not isinstance(output, type):
        parts = [getattr(output, field.name) for field in fields(output)]
    else:
        return None
    return next((found for part in parts if (found := first_tensor(part)) is not None), None)


def pooled(name: str, output: Tensor, mask: Tensor | None, pool: Pool, batch_axis: int) -> Tensor:
    """Return (n, width) rows, a copy on the CPU, float32 or float64.

    The copy is made at once, so that an in-place operation after the layer does not change it.
    """
    output = output.detach()
    if output.is_nested:
        output, mask = _padded(output)
    elif batch_axis and output.ndim > batch_axis:
        output = output.movedim(batch_axis, 0)
    if output.ndim == 0 or output.is_complex():
        raise UserError(
            f"{name} puts out {output.dtype} of shape {tuple(output.shape)}; expected real numbers "
            "with an axis of samples."
        )
    if output.dtype != torch.float64:
        output = output.float()
    rows = _rows(name, output, mask, pool)
    if not isinstance(rows, Tensor) or rows.ndim != 2:
        shape = tuple(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
        raise UserError(f"pool made {shape} of {name}; expected (samples, width).")
    dtype = rows.dtype if rows.dtype in (torch.float32, torch.float64) else torch.float32
    return rows.detach().to(device="cpu", dtype=dtype, copy=True)


def _rows(name: str, output: Tensor, mask: Tensor | None, pool: Pool) -> Any:
    if callable(pool):
        return pool(output, mask)
    if output.ndim == 1:
        return output.unsqueeze(1)
    if output.ndim == 2 or pool == "flatten":
        return output.flatten(1)
    if output.ndim > 3:
        if pool != "mean":
            raise UserError(
                f"pool={pool!r} is for tokens (samples, tokens, width), but {name} puts out "
                f"{tuple(output.shape)}; use 'mean', 'flatten' or a function."
            )
        return output.flatten(2).mean(dim=2)
    if pool == "cls":
        return output[:, 0]
    if mask is None:
        return output.mean(dim=1) if pool == "mean" else output[:, -1]
    valid = _valid(name, output, mask)
    if pool == "mean":
        # What stands in padding may be NaN, which a product with 0 would keep.
        total = output.masked_fill(~valid.unsqueeze(2), 0).sum(dim=1)
        return total / valid.sum(dim=1, keepdim=True)
    positions = torch.arange(valid.shape[1], device=valid.device)
    last = (valid * positions).amax(dim=1)
    return output[torch.arange(len(output), device=output.device), last]


def _valid(name: str, output: Tensor, mask: Tensor) -> Tensor:
    if not isinstance(mask, Tensor) or tuple(mask.shape) != tuple(output.shape[:2]):
        found = tuple(mask.shape) if isinstance(mask, Tensor) else type(mask).__name__
        raise UserError(
            f"The mask is {found}, but {name} puts out {tuple(output.shape)}; expected one value "
            f"per token, {tuple(output.shape[:2])}."
        )
    valid = mask.to(output.device).bool()
    empty = torch.nonzero(~valid.any(dim=1))
    if len(empty):
        raise UserError(f"The mask leaves no token of sample {int(empty[0])} of a batch.")
    return valid


def _padded(output: Tensor) -> tuple[Tensor, Tensor]:
    """Return a nested tensor as (n, longest, width) and which tokens it has."""
    lengths = torch.tensor([len(sequence) for sequence in output.unbind()], device=output.device)
    dense = torch.nested.to_padded_tensor(output, 0.0)
    return dense, torch.arange(dense.shape[1], device=output.device) < lengths.unsqueeze(1)
