"""Which modules are meant by names and patterns."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn

from ..errors import UserError

#: Segments of names that wrappers add: nobody asks for a layer of torch.compile's.
WRAPPED = ("_orig_mod", "_checkpoint_wrapped_module")
CONTAINERS = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)


@dataclass(frozen=True)
class Layers:
    """The modules to listen to, by name, and the names that were asked for in full."""

    modules: dict[str, nn.Module]
    exact: frozenset[str]


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the module inside DataParallel, DistributedDataParallel and torch.compile."""
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model = model.module
        elif "_orig_mod" in model._modules:
            model = model._orig_mod
        else:
            return model


def is_compiled(model: nn.Module) -> bool:
    """Whether torch.compile was applied to the model or a part of it."""
    return any(
        "_orig_mod" in module._modules or getattr(module, "_compiled_call_impl", None) is not None
        for module in model.modules()
    )


def choose_layers(inner: nn.Module, layers: str | Iterable[str], batch_axis: int) -> Layers:
    """Find the modules that ``layers`` names, in the order of the model.

    Raises UserError for a name or pattern without a module (with near names), for containers,
    which are never called, and for modules that put tokens first where ``batch_axis`` is 0.
    """
    patterns = [layers] if isinstance(layers, str) else list(layers)
    if not patterns or not all(isinstance(pattern, str) for pattern in patterns):
        raise UserError(f"layers must be names or patterns of names, got {layers!r}.")
    patterns = [pattern.removeprefix("module.") for pattern in patterns]
    modules = dict(_named(inner))
    if not modules:
        raise UserError(f"{type(inner).__name__} has no layers inside; wrap it in nn.Sequential.")
    chosen: dict[str, nn.Module] = {}
    for pattern in patterns:
        matches = [name for name in modules if name == pattern or fnmatchcase(name, pattern)]
        if not matches:
            raise UserError(f"layers: no layer is called {pattern!r}.{_near(pattern, modules)}")
        callable_ = [name for name in matches if not isinstance(modules[name], CONTAINERS)]
        if not callable_:
            raise UserError(
                f"layers: {matches[0]} is a {type(modules[matches[0]]).__name__}, which is never "
                f"called; ask for what is inside, as {matches[0] + '.*'!r}."
            )
        chosen.update((name, modules[name]) for name in callable_)
    if batch_axis == 0:
        _check_batch_first(chosen)
    seen: set[nn.Module] = set()
    in_order = {}
    for name in modules:
        if name in chosen and modules[name] not in seen:
            seen.add(modules[name])
            in_order[name] = modules[name]
    return Layers(in_order, frozenset(patterns) & in_order.keys())


def _named(inner: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield (name, module) without the segments of wrappers; the outermost of equal names."""
    seen = set()
    for name, module in inner.named_modules(remove_duplicate=False):
        plain = ".".join(part for part in name.split(".") if part not in WRAPPED)
        if plain and plain not in seen:
            seen.add(plain)
            yield plain, module


def _near(pattern: str, modules: dict[str, nn.Module]) -> str:
    last = pattern.rpartition(".")[2].strip("*")
    near = difflib.get_close_matches(pattern, modules, n=3, cutoff=0.6)
    ending = [name for name in modules if last and last.lower() in name.lower()]
    names = list(dict.fromkeys(near + ending))[:3] or list(modules)[:3]
    return f" Near: {', '.join(names)}." if near or ending else f" It has {', '.join(names)}, ..."


def _check_batch_first(chosen: dict[str, nn.Module]) -> None:
    for name, module in chosen.items():
        if any(getattr(part, "batch_first", None) is False for part in module.modules()):
            raise UserError(
                f"{name} puts tokens before samples (batch_first=False); say batch_axis=1, or "
                "give it batch_first=True."
            )
