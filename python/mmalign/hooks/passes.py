"""What fired in one call of the model, kept apart until the call has succeeded.

A call that fails half-way would leave some layers a batch ahead of others, so rows reach the
collected arrays only when the whole call is over. DataParallel calls one replica per device, each
in a thread of its own: what fires is kept by thread and put in the order of the devices, which is
the order of the samples. What a layer does outside a call of the model (gradient checkpointing
runs it again in the backward pass) is not collected.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from .collected import Collected
from .names import Layers
from .pooling import Pool, first_tensor, pooled


@dataclass
class Replica:
    """What fired in one replica: name of a layer -> rows of each time it fired."""

    device: torch.device | None
    mask: Tensor | None
    fired: dict[str, list[Tensor]] = field(default_factory=dict)


class Passes:
    """The hooks' bodies."""

    def __init__(
        self,
        model: nn.Module,
        inner: nn.Module,
        collected: Collected,
        pool: Pool,
        mask: Any,
        select: Callable[[Any], Tensor],
        batch_axis: int,
    ) -> None:
        self.devices = [torch.device("cuda", i) for i in getattr(model, "device_ids", None) or []]
        self.signature = inspect.signature(inner.forward)
        self.collected, self.pool, self.mask = collected, pool, mask
        self.select, self.batch_axis = select, batch_axis
        self.replicas: dict[int, Replica] = {}
        self.running = False

    def begin(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if self.running:
            raise UserError(f"{type(module).__name__} calls itself; collect from a part of it.")
        self.running = True
        self.replicas.clear()

    def begin_replica(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        device = device_of(first_tensor((args, kwargs)))
        self.replicas[threading.get_ident()] = Replica(device, self._mask(args, kwargs))

    def fire(self, name: str, output: Any) -> None:
        self.collected.was_called(name)
        replica = self.replicas.get(threading.get_ident()) if self.running else None
        if replica is None or self.collected.is_full:
            return
        tensor = self.select(output)
        if not isinstance(tensor, Tensor):
            raise UserError(
                f"{name} puts out {type(output).__name__}, in which there is no tensor; give "
                "select, or leave the layer out."
            )
        rows = pooled(name, tensor, replica.mask, self.pool, self.batch_axis)
        replica.fired.setdefault(name, []).append(rows)

    def succeed(self, module: nn.Module, args: Any, output: Any) -> None:
        if self.collected.is_full:
            return
        replicas = sorted(self.replicas.values(), key=self._position)
        batch: dict[str, Tensor] = {}
        for name in self.collected.layers.modules:
            times = [replica.fired.get(name, []) for replica in replicas]
            counts = {len(rows) for rows in times}
            if len(counts) > 1:
                raise UserError(f"{name} fired a different number of times on each device.")
            for number, rows in enumerate(zip(*times, strict=True), start=1):
                batch[name if number == 1 else f"{name}#{number}"] = torch.cat(rows)
        self.collected.add(batch)

    def end(self, module: nn.Module, args: Any, output: Any) -> None:
        self.running = False
        self.replicas.clear()

    def _position(self, replica: Replica) -> int:
        return self.devices.index(replica.device) if replica.device in self.devices else 0

    def _mask(self, args: Any, kwargs: Any) -> Tensor | None:
        if self.mask is None:
            return None
        given = self.signature.bind(*args, **kwargs).arguments
        for name, parameter in self.signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                given.update(given.pop(name, {}))
        if callable(self.mask):
            return self.mask(given)
        if given.get(self.mask) is None:
            raise UserError(f"mask is {self.mask!r}, which was not given to the model.")
        return given[self.mask]


def device_of(found: Tensor | None) -> torch.device | None:
    """Where a replica's input is."""
    return None if found is None else found.device


def attach(
    undo: ExitStack, model: nn.Module, inner: nn.Module, layers: Layers, passes: Passes
) -> None:
    """Register the hooks; each is removed by ``undo``."""
    begin = model.register_forward_pre_hook(passes.begin, with_kwargs=True)
    undo.callback(begin.remove)
    undo.callback(inner.register_forward_pre_hook(passes.begin_replica, with_kwargs=True).remove)
    for name, module in layers.modules.items():

        def fire(module: nn.Module, args: Any, output: Any, name: str = name) -> None:
            passes.fire(name, output)

        undo.callback(module.register_forward_hook(fire).remove)
    undo.callback(model.register_forward_hook(passes.succeed).remove)
    undo.callback(model.register_forward_hook(passes.end, always_call=True).remove)
