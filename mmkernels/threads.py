"""How many threads a call uses, and which instructions."""

from __future__ import annotations

from ._checks import integer
from ._native import _cpu

_MOST_THREADS = 1024


def get_num_threads() -> int:
    """Threads a call uses: MMKERNELS_NUM_THREADS, else the processors this process may run on.

    >>> get_num_threads() >= 1
    True
    """
    return _cpu.thread_count()


def set_num_threads(count: int) -> None:
    """Set the threads of later calls; the engine's results do not depend on it, to the last bit.

    ``count`` is between 1 and 1024.

    >>> set_num_threads(get_num_threads())
    """
    count = integer("count", count)
    if not 1 <= count <= _MOST_THREADS:
        raise ValueError(f"count must be between 1 and {_MOST_THREADS}; it is {count}.")
    _cpu.set_thread_count(count)


def instruction_set() -> str:
    """The instruction set in use: "avx512bf16", "avx512", "avx2" or "portable".

    The best that the processor has, unless MMKERNELS_ISA names another before the first use.

    >>> instruction_set() in ("avx512bf16", "avx512", "avx2", "portable")
    True
    """
    return _cpu.instruction_set()
