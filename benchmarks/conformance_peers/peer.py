"""What the conformance table needs to know of a library: how to get it, and what it can be asked.

A peer has one file. It is imported twice: here, for what it says of itself, and in the library's
own environment, where its functions are called; so it imports the library inside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Call:
    """One way in which a library computes one metric.

    `function` takes two (n, d) numpy arrays and the options of the case, and returns a number in
    the terms of `definitions.METRICS`. `spelled` is what a user of the library writes. A library
    that always computes in one type says which in `computes_in`. `reasons` says for the kinds of
    cases (`cases.Case.kind`) where its number is not the truth why that is so; "*" stands for any
    kind that has no reason of its own, "raises" for errors that do not speak for themselves.
    """

    metric: str
    spelled: str
    function: Callable[..., float]
    computes_in: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)

    def reason(self, kind: str) -> str | None:
        return self.reasons.get(kind, self.reasons.get("*"))


@dataclass(frozen=True)
class Peer:
    """A library: pip `requirements`, or a `checkout` of a repository that no index has."""

    name: str
    calls: tuple[Call, ...] = ()
    distribution: str | None = None
    requirements: tuple[str, ...] = ()
    with_dependencies: bool = True
    checkout: str | None = None
    remark: str = ""


def tensors(*arrays):
    """The arrays as torch tensors that share nothing with them."""
    import torch

    return [torch.from_numpy(array.copy()) for array in arrays]


def unit_rows(*arrays):
    """Rows of length 1, in the type they came in, so that an inner product is a cosine; 0 stays."""
    import numpy as np

    def unit(array):
        wide = array.astype(np.float64)
        length = np.linalg.norm(wide, axis=1, keepdims=True)
        return (wide / np.where(length == 0, 1, length)).astype(array.dtype)

    return [unit(array) for array in arrays]


def options_text(options: Mapping[str, object]) -> str:
    """As they stand in a call, after other arguments."""
    return "".join(f", {name}={value!r}" for name, value in options.items())
