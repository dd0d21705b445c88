"""Time and memory of calls on a device, and the rate that its own library reaches."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from .budget import rounds

MOST_ROUNDS = 9
PRODUCT_SIZE = 8192
PRODUCT_ROUNDS = 10


def seconds(call: Callable[[], Any], device: str) -> float:
    """By the device's own clock where it has one."""
    import torch

    if device == "cpu":
        start = time.perf_counter()
        call()
        return time.perf_counter() - start
    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    before.record()
    call()
    after.record()
    after.synchronize()
    return before.elapsed_time(after) / 1e3


def measure(call: Callable[[], Any], device: str, limit: float) -> dict[str, Any]:
    """The answer of a first call, which is not timed, and times of others within `limit`."""
    import torch

    held = 0
    start = time.perf_counter()
    if device != "cpu":
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        held = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
    answer = call()
    peak = None
    if device != "cpu":
        torch.cuda.synchronize()
        peak = (torch.cuda.max_memory_allocated() - held) / 2**20
    first = time.perf_counter() - start
    # The first call may have compiled; the second one says how often there is time for it.
    samples = [seconds(call, device)]
    left = limit - first - samples[0]
    if left > samples[0]:
        count = rounds(samples[0], left, MOST_ROUNDS - 1)
        samples += [seconds(call, device) for _ in range(count)]
    return {"answer": answer, "samples": samples, "seconds": median(samples), "peak_mib": peak}


def product_rate(device: str, size: int = PRODUCT_SIZE) -> float:
    """FLOP/s of torch's bfloat16 matrix product on random data."""
    import torch

    a, b = (torch.randn(size, size, device=device).to(torch.bfloat16) for _ in range(2))
    out = torch.empty_like(a)
    for _ in range(3):
        torch.mm(a, b, out=out)
    return (
        2.0
        * size**3
        / median(seconds(lambda: torch.mm(a, b, out=out), device) for _ in range(PRODUCT_ROUNDS))
    )


def capability() -> tuple[int, int] | None:
    """Of the device; None without one."""
    import torch

    return torch.cuda.get_device_capability() if torch.cuda.is_available() else None


def facts(device: str) -> dict[str, Any]:
    import torch

    said = {"torch": torch.__version__, "cuda": torch.version.cuda}
    if device != "cpu":
        properties = torch.cuda.get_device_properties(0)
        said["device"] = properties.name
        said["multiprocessors"] = properties.multi_processor_count
        said["memory_gib"] = round(properties.total_memory / 2**30, 1)
    return said
