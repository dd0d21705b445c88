"""One way of doing the work of a contest, and the same by the kernels made for Hopper."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

HOPPER = (9, 0)  # compute capability
PATH = "MMKERNELS_CUDA_PATH"


@dataclass(frozen=True)
class Contender:
    """`call` takes the inputs and the k of a contest (None where it has none).

    An exact one must give the answer of float64. One that does one part in `parts` of the queries
    has its time multiplied. One `hopper` is of the kernels for compute capability 9.0.
    """

    name: str
    distribution: str
    call: Callable[[Any, int | None], Any]
    exact: bool = False
    parts: int = 1
    on_cpu: bool = True
    hopper: bool = False


def hopper(contender: Contender) -> Contender:
    """The same by the kernels made for Hopper."""

    def call(inputs: Any, k: int | None) -> Any:
        before = os.environ.get(PATH)
        os.environ[PATH] = "sm90"
        try:
            return contender.call(inputs, k)
        finally:
            os.environ.pop(PATH) if before is None else os.environ.update({PATH: before})

    name = f"{contender.name}, sm90"
    return replace(contender, name=name, call=call, on_cpu=False, hopper=True)


def on_both_paths(contenders: Iterable[Contender]) -> tuple[Contender, ...]:
    """Ours twice, and the others."""
    found = []
    for contender in contenders:
        found.append(contender)
        if contender.distribution == "mmkernels":
            found.append(hopper(contender))
    return tuple(found)
