"""Where PyTorch is to record a gradient, PyTorch computes; everywhere else nothing loads it."""

from __future__ import annotations

import sys
from typing import Any


def wants_gradient(*arrays: Any) -> bool:
    """Whether a gradient would be lost if these were read as plain numbers."""
    torch = sys.modules.get("torch")
    return (
        torch is not None
        and torch.is_grad_enabled()
        and any(isinstance(array, torch.Tensor) and array.requires_grad for array in arrays)
    )


def carries_derivative(*arrays: Any) -> bool:
    """Whether PyTorch would have to know of what is computed of these, in either mode."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    tensors = [array for array in arrays if isinstance(array, torch.Tensor)]
    dual = torch.autograd.forward_ad.unpack_dual
    return wants_gradient(*tensors) or any(dual(array).tangent is not None for array in tensors)


def require_reverse_mode(**arrays: Any) -> None:
    """Raise TypeError, naming the argument, for derivatives that would be dropped without a word.

    Those of forward mode, and those of the transformations in torch.func.
    """
    torch = sys.modules.get("torch")
    if torch is None or torch.compiler.is_compiling():
        return
    tracked = getattr(torch._C._functorch, "is_gradtrackingtensor", lambda _: False)
    for name, array in arrays.items():
        if not isinstance(array, torch.Tensor):
            continue
        if torch.autograd.forward_ad.unpack_dual(array).tangent is not None:
            what = "carries a derivative of forward mode"
        elif wants_gradient(array) and tracked(array):
            what = "is differentiated by torch.func"
        else:
            continue
        raise TypeError(
            f"{name} {what}; gradients of mmkernels are those of reverse mode only: use backward() "
            f"or torch.autograd.grad, or pass {name}.detach() to have none."
        )


def differentiable(name: str, x: Any, y: Any, **options: Any) -> Any:
    """The function of :mod:`mmkernels.torch` of that name, one side of it perhaps not a tensor."""
    import torch

    import mmkernels.torch as gradients

    device = next(z.device for z in (x, y) if isinstance(z, torch.Tensor))
    tensors = []
    for side, other, z in (("x", "y", x), ("y", "x", y)):
        if hasattr(z, "matrix"):
            raise TypeError(
                f"{side} is a prepared Gram and {other} requires a gradient, which it cannot give; "
                f"pass the array {side} was prepared from, or {other}.detach()."
            )
        tensors.append(z if isinstance(z, torch.Tensor) else torch.as_tensor(z, device=device))
    return getattr(gradients, name)(*tensors, **options)
