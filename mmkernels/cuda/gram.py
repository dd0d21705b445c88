"""Kernel matrices of rows in CUDA memory: prepared for comparisons, or centred and returned."""

from __future__ import annotations

from typing import Any, ClassVar

from .._arrays import Array
from .._checks import at_least, one_of
from .._kernels import Kernel, kernel_named
from ._arrays import DeviceInput, as_device_input
from ._call import Call

PRECISIONS = ("exact", "high", "fast")
_WIDE = ("float64", "int64", "uint64", "int32", "uint32")


class DeviceGram:
    """What :class:`mmkernels.Gram` is, on a device: accepted wherever that is.

    Holds on to the array, which must stay as it is: rows that are near duplicates are read again.
    Its memory belongs to the stream that it was prepared on: let work on any other wait for that
    stream first, and that stream for the work before the last reference to this goes.
    """

    in_device_memory: ClassVar[bool] = True

    def __init__(self, rows: DeviceInput, kernel: Kernel, precision: str):
        one_of("precision", precision, PRECISIONS)
        if kernel.name == "precomputed":
            raise ValueError(
                f"kernel='precomputed' is computed on the CPU: pass a copy of {rows.name} in host "
                "memory."
            )
        at_least(rows.shape[0], 2, rows.name, rows.shape, "A kernel matrix")
        self.name, self.kernel, self.precision = rows.name, kernel.name, precision
        self.rows, self.shape, self.type = rows, rows.shape, rows.type
        self.device, self.library = rows.device, rows.library
        self._given_sigma = kernel.sigma
        call = Call("prepare_gram", rows)
        gamma = 1 / rows.shape[1] if kernel.gamma is None else kernel.gamma
        bandwidth = 0.0 if kernel.sigma in (None, "median") else kernel.sigma
        self.matrix = call.module.Gram(
            rows.array,
            kernel.name,
            bandwidth,
            kernel.degree or 1,
            kernel.offset or 0.0,
            gamma,
            precision,
        )
        self._memory = call.empty((self.matrix.bytes,), "uint8", "packed rows")
        search = call.workspace(self.matrix.search_bytes)
        self.matrix.prepare(call.pointer(self._memory), search, call.stream)

    @property
    def sigma(self) -> float | Array | None:
        """The bandwidth in use; a 0-d array on the device where it is the median distance."""
        if self._given_sigma != "median":
            return self._given_sigma
        call = Call("sigma", self)
        sigma = call.empty((), "float64")
        self.matrix.copy_bandwidth(call.pointer(sigma), call.stream)
        return sigma

    def __repr__(self) -> str:
        return (
            f"DeviceGram(shape={self.shape}, kernel={self.kernel!r}, precision={self.precision!r})"
        )


def as_device_gram(name: str, x: Array | DeviceGram, kernel: Kernel, precision: str) -> DeviceGram:
    if isinstance(x, DeviceGram):
        return x
    return DeviceGram(as_device_input(name, x), kernel, precision)


def prepare_gram(
    x: Array | DeviceGram,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    degree: int | None = None,
    offset: float | None = None,
    gamma: float | None = None,
    precision: str = "exact",
) -> DeviceGram:
    """:func:`mmkernels.prepare_gram` of rows in CUDA memory.

    Parameters are those of the function on the CPU but for kernel="precomputed", which is not to be
    had, and one more, which every function of this module has:

    precision : products of rows are those of bfloat16 parts of the centred rows, summed in float32
        by tensor cores.

        - "exact", the default: three parts and six products. Kernel values are those of float32:
          scores agree with float64 to about 1e-6 of the norms of the centred matrices. Pairs of
          rows so near that float32 would lose their distance are computed again in float64.
        - "high": two parts and three products, which keep 16 bits of the rows.
        - "fast": one part, which keeps 8 bits, at a sixth of the work of "exact".

    Where the median distance is 0, or a polynomial leaves float64's range, all results are NaN.

    Cost: O(n d); sigma="median" takes one to three passes of n^2 d / 2 multiply-adds ("exact": six
    times as many). Memory: 2 n d bytes for each part and some 40 bytes per row; 4 MiB more while
    the median is sought.
    """
    chosen = kernel_named(kernel, sigma, degree, offset, gamma)
    return as_device_gram("x", x, chosen, precision)


def centered_gram(
    x: Array | DeviceGram,
    *,
    kernel: str = "linear",
    sigma: float | str | None = None,
    precision: str = "exact",
) -> Array:
    """:func:`mmkernels.centered_gram` of rows in CUDA memory.

    precision is as in :func:`prepare_gram`. Values are NaN where the rows cannot be used. Memory:
    the result, and what :func:`prepare_gram` takes.
    """
    gram = as_device_gram("x", x, kernel_named(kernel, sigma), precision)
    call = Call("centered_gram", gram)
    n, wide = gram.shape[0], gram.type in _WIDE
    out = call.empty((n, n), "float64" if wide else "float32")
    memory = call.workspace(call.module.centered_gram_workspace(gram.matrix))
    call.module.centered_gram(gram.matrix, wide, call.pointer(out), memory, call.stream)
    return out


def same_precision(*grams: Any) -> None:
    for gram in grams:
        if gram.precision != grams[0].precision:
            raise ValueError(
                f"{grams[0].name} was prepared with precision={grams[0].precision!r} and "
                f"{gram.name} with {gram.precision!r}; prepare them alike."
            )
