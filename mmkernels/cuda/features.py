"""What functions on CUDA arrays do not look at: whether the values can be used at all."""

from __future__ import annotations

from typing import Any

from .._arrays import Array
from .._checks import METRICS, one_of
from .._features import require_usable
from .._kernels import KERNELS
from ._arrays import DeviceInput, as_device_input
from ._call import Call


class _Status:
    """What a device found of some rows, as :func:`mmkernels._features.require_usable` reads it."""

    def __init__(self, rows: DeviceInput, unit: bool):
        call = Call("check", rows)
        memory = call.workspace(call.module.row_status_workspace(rows.array, unit))
        found = call.module.row_status(rows.array, unit, memory, call.stream)
        self.first_nonfinite, self.first_zero, first_overflow = found
        self.overflows = first_overflow >= 0


def check(*arrays: Array, metric: str | None = None, kernel: str | None = None) -> None:
    """Raise for values that make the other functions return NaN, as those on the CPU raise.

    Functions on CUDA arrays do not wait for the device, and so cannot raise for what they meet
    there: a score is NaN, and an index -1, where a row holds NaN or infinity, where its squares
    overflow, or where it is zero and a cosine is asked for. This function waits, and says which.

    Parameters
    ----------
    arrays : (n, d) arrays in CUDA memory, called x, y and so on.
    metric, kernel : what they are meant for, as for :func:`mmkernels.knn` and
        :func:`mmkernels.prepare_gram`; only "cosine" makes a difference.

    Raises ValueError, naming the row. Cost: up to three readings of each array; memory 16 bytes per
    row.
    """
    if metric is not None:
        one_of("metric", metric, METRICS)
    if kernel is not None:
        one_of("kernel", kernel, KERNELS)
    unit = "cosine" in (metric, kernel)
    for name, x in _named(arrays):
        rows = as_device_input(name, x)
        found = _Status(rows, unit)
        require_usable(found, rows)
        if found.first_zero >= 0:
            raise ValueError(
                f"{rows.name} has a zero row (row {found.first_zero}; shape {rows.shape}), whose "
                "cosine is not defined; remove the sample from both sides."
            )


def _named(arrays: tuple[Array, ...]) -> list[tuple[str, Any]]:
    names = ["x", "y", *(f"arrays[{i}]" for i in range(2, len(arrays)))]
    return list(zip(names, arrays, strict=False))
