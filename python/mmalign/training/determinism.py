"""Surroundings in which the same seed gives the same bits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import UserError


def resolve_device(name: str) -> torch.device:
    """Turn "cpu", "cuda", "cuda:1" or "auto" (CUDA where there is one) into a torch device."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise UserError(f"The device must be auto, cpu, cuda or cuda:N, got {name!r}.")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise UserError(f"The device {name!r} was asked for, but torch finds no CUDA device.")
        if (device.index or 0) >= torch.cuda.device_count():
            raise UserError(
                f"The device {name!r} was asked for, but there are only "
                f"{torch.cuda.device_count()} CUDA devices."
            )
        return torch.device("cuda", device.index or 0)
    return torch.device("cpu")


@contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's default generators of the CPU and of ``device``, and restore them afterwards.

    Within the block torch computes on one thread (a sum split over threads rounds by their
    number) and with deterministic algorithms only. Whatever ran before, in this process or not,
    leaves no trace in what runs inside; what runs inside leaves none outside.
    """
    if device.type == "cuda":
        # cuBLAS reads it when it is first used; without it deterministic mode refuses to multiply.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    devices = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        for index in devices:
            torch.cuda.default_generators[index].manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            torch.set_num_threads(threads)
