"""What a result must say of the machine it was made on: its processor and versions, no names."""

from __future__ import annotations

import ctypes
import os
import platform
import re
from pathlib import Path


def processor() -> str:
    """The model as the system names it."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        match = re.search(r"^model name\s*:\s*(.+)$", path.read_text(), re.MULTILINE)
        if match:
            return match[1].strip()
    return platform.processor() or platform.machine()


def processors_allowed() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_mib(field: str) -> float:
    """ "VmRSS" (now) or "VmHWM" (its peak) of this process; Linux only."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024


def restart_memory_peak() -> None:
    """Let the peak be what is in use now, free memory that the allocator has kept given back."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def peak_memory_is_known() -> bool:
    return Path("/proc/self/clear_refs").exists()
