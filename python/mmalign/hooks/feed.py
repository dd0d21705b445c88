"""Running a model over the batches of a loader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from .collected import Collected


def feed(
    model: nn.Module,
    inner: nn.Module,
    loader: Iterable[Any],
    call: Callable[[nn.Module, Any], Any] | None,
    collected: Collected,
) -> None:
    """Call ``model`` on every batch, without gradients, until ``collected`` is full."""
    device = next((parameter.device for parameter in inner.parameters()), None)
    with torch.no_grad():
        for batch in loader:
            if device is not None:
                batch = _moved(batch, device)
            (_call if call is None else call)(model, batch)
            if collected.is_full:
                return


def _call(model: nn.Module, batch: Any) -> None:
    if isinstance(batch, Mapping):
        model(**batch)
        return
    inputs = batch[0] if isinstance(batch, (tuple, list)) and len(batch) else batch
    if not isinstance(inputs, Tensor):
        raise UserError(
            f"A batch of the loader is a {type(batch).__name__} that does not begin with a tensor; "
            "expected a tensor, a tuple or list that begins with one, or a dictionary of the "
            "model's arguments; or give call."
        )
    model(inputs)


def _moved(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: _moved(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_moved(value, device) for value in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(_moved(value, device) for value in batch)
    return batch
