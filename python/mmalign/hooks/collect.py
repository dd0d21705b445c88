"""The context manager that attaches hooks, runs a loader if there is one, and cleans up."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from .collected import Collected
from .feed import feed
from .names import choose_layers, is_compiled, unwrapped
from .passes import Passes, attach
from .pooling import Pool, check_pool, first_tensor

#: The mask of a batch: the name of the model's argument that holds it, or a function of all
#: arguments by name. True (or 1) where a token counts, shape (n, tokens).
Mask = str | Callable[[dict[str, Any]], Tensor]


@contextmanager
def collect(
    model: nn.Module,
    loader: Iterable[Any] | None = None,
    *,
    layers: str | Iterable[str] = "*",
    pool: Pool = "mean",
    mask: Mask | None = None,
    select: Callable[[Any], Tensor] = first_tensor,
    keep: int | None = None,
    batch_axis: int = 0,
    eval: bool = True,
    call: Callable[[nn.Module, Any], Any] | None = None,
) -> Iterator[Collected]:
    """Gather what layers of ``model`` put out, one (n_samples, width) array per layer.

    With a ``loader``, every batch of it is run before the block begins, without gradients, and
    nothing after: a call of ``model`` in the block adds no rows. Without
    one, call ``model`` in the block as you like; each call is one batch, and its rows are added
    when the call has succeeded. The hooks are gone after the block, whatever ends it.

    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> with collect(net, [torch.zeros(3, 4), torch.ones(2, 4)], layers=["0", "2"]) as features:
    ...     print({name: array.shape for name, array in features.items()})
    {'0': (5, 8), '2': (5, 2)}

    model:      any module. DataParallel and DistributedDataParallel are looked through, as is
                torch.compile, which is off inside the block because compiled code skips hooks:
                names never hold "module." or "_orig_mod.". A process of DistributedDataParallel
                gathers its own rows.
    layers:     names as in ``model.named_modules()``, or patterns with ``*``, which spans dots. A
                layer that fires k times in a call gives "name", "name#2", ..., "name#k". A module
                with several names goes by the first that was asked for.
    pool:       what becomes of tokens (n, tokens, width): "mean" over those in the mask, "last" of
                them, "cls" (the first token) or "flatten". Outputs of four or more dimensions
                (n, channels, ...) are averaged over the rest, or flattened. Or a function of
                (output, mask or None) that returns (n, width). Two dimensions are left alone.
    mask:       see ``Mask``; needed for padded tokens. Nested tensors bring their own.
    select:     takes the tensor from a layer's output; by default the first in it, looking into
                tuples, lists, dictionaries, dataclasses and Hugging Face's model outputs.
    keep:       the first samples only; a loader is not asked for more.
    batch_axis: the axis of samples in the layers' outputs, 1 for (tokens, n, width).
    eval:       evaluation mode inside the block; every module's own mode is restored.
    call:       runs the model on a batch of the loader. By default a tensor is the model's
                argument, a dictionary its keyword arguments, and of a tuple or list the first
                element is taken; tensors are moved to the device of the model's first parameter.

    Arrays are float32 on the CPU (float64 stays), sums over tokens are taken in float32 or better.
    Memory: the pooled rows.

    Raises UserError, by name, for a layer that does not exist (with near ones), is a container
    that is never called, or was asked for by its full name and did not fire; for outputs without
    a tensor or with other numbers of samples than the rest; for a mask that does not fit. Layers
    that match a pattern and do not fire are named in a UserWarning.
    """
    if not isinstance(model, nn.Module):
        raise UserError(f"model must be a torch.nn.Module, got {type(model).__name__}.")
    if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int) or keep < 1):
        raise UserError(f"keep must be a number of samples, 1 or more, got {keep!r}.")
    if call is not None and loader is None:
        raise UserError("call is for a loader; without one, call the model in the block.")
    check_pool(pool)
    inner = unwrapped(model)
    if isinstance(mask, str):
        _check_argument(inner, mask)
    chosen = choose_layers(inner, layers, batch_axis)
    collected = Collected(chosen, keep)
    with ExitStack() as undo, ExitStack() as hooks:
        undo.callback(_restore_modes, {module: module.training for module in model.modules()})
        if eval:
            model.eval()
        if is_compiled(model):
            undo.enter_context(_eager())
        passes = Passes(model, inner, collected, pool, mask, select, batch_axis)
        attach(hooks, model, inner, chosen, passes)
        if loader is not None:
            feed(model, inner, loader, call, collected)
            hooks.close()
            collected.check()
        yield collected
    if loader is None:
        collected.check()


def _restore_modes(modes: dict[nn.Module, bool]) -> None:
    for module, training in modes.items():
        module.training = training


def _eager() -> AbstractContextManager[Any]:
    if not hasattr(torch.compiler, "set_stance"):
        raise UserError(
            "model is compiled, and compiled code skips hooks; collect from the module that was "
            "compiled, or use torch 2.6 or newer."
        )
    return torch.compiler.set_stance("force_eager")


def _check_argument(inner: nn.Module, name: str) -> None:
    parameters = inspect.signature(inner.forward).parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    if name not in parameters and not takes_any:
        raise UserError(
            f"mask is {name!r}, but {type(inner).__name__} takes {', '.join(parameters)}."
        )
