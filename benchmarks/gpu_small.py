"""Small calls of every family of kernels, for compute-sanitizer; see gpu.sh.

Sizes are not multiples of anything, so that every edge of a tile is met. Exits with 1 where a call
fails; what runs on the CPU alone is said and passed over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

SAMPLES = 300
WIDTHS = (48, 33)


def cases(mmkernels: Any, x: Any, y: Any) -> dict[str, Callable[[], Any]]:
    half, wide = x.half(), x.double()
    named = {
        "knn, cosine": lambda: mmkernels.knn(x, 10),
        "knn, l2, float16": lambda: mmkernels.knn(half, 7, metric="l2"),
        "knn, ip, float64": lambda: mmkernels.knn(wide, 100, metric="ip"),
        "knn of few rows": lambda: mmkernels.knn(x[:3], 1),
        "cka of few rows": lambda: mmkernels.cka(x[:5, :1], y[:5, :1], kernel="rbf", sigma=1.0),
        "cka of few rows, linear": lambda: mmkernels.cka(x[:5, :1], y[:5, :1]),
        "knn of queries": lambda: mmkernels.knn(x, 5, queries=x[:77] + 1),
        "mutual_knn": lambda: mmkernels.mutual_knn(x, y, k=10),
        "jaccard_knn": lambda: mmkernels.jaccard_knn(x, y, k=10),
        "cycle_knn": lambda: mmkernels.cycle_knn(x, y, k=10),
        "lcs_knn": lambda: mmkernels.lcs_knn(x, y, k=10),
        "edit_distance_knn": lambda: mmkernels.edit_distance_knn(x, y, k=10),
        "mutual_knn_matrix": lambda: mmkernels.mutual_knn_matrix([x, y, x + y[:, :1]], k=10),
        "mutual_knn_null": lambda: mmkernels.mutual_knn_null(x, y, k=10, permutations=40),
        "cka, linear": lambda: mmkernels.cka(x, y),
        "hsic, linear, biased": lambda: mmkernels.hsic(x, y, unbiased=False),
    }
    if x.is_cuda:
        from mmkernels.cuda.mlp_ensemble import fit

        named["ensemble of networks"] = lambda: fit(*networks(x, y))
    for kernel in ("rbf", "laplacian"):
        named[f"cka, {kernel}"] = lambda kernel=kernel: mmkernels.cka(
            x, y, kernel=kernel, sigma=9.0
        )
        named[f"centered_gram, {kernel}"] = lambda kernel=kernel: mmkernels.centered_gram(
            x, kernel=kernel, sigma=9.0
        )
    return named


def networks(x: Any, y: Any) -> tuple[list[Any], Any]:
    """Of which some have room in shared memory, and the last does not."""
    from mmkernels.mlp_ensemble import Network, TrainingData

    inputs, classes = x.cpu().numpy(), y[:, :3].argmax(dim=1).cpu().numpy()
    data = TrainingData(inputs[:250], classes[:250], inputs[250:], classes[250:], 3)
    shapes = [(1, 12), (3, 5), (2, 32), (20, 32)]
    return [Network(depth=depth, width=width, epochs=2) for depth, width in shapes], data


def paths(torch: Any, device: str) -> tuple[str, ...]:
    """The families of kernels that the device can run."""
    hopper = device == "cuda" and torch.cuda.get_device_capability() == (9, 0)
    return ("general", "sm90") if hopper else ("general",)


def main() -> int:
    import torch

    import mmkernels

    device = sys.argv[1] if len(sys.argv) > 1 else "cuda"
    draw = torch.Generator().manual_seed(0)
    x, y = (torch.randn(SAMPLES, d, generator=draw).to(device) for d in WIDTHS)
    failed = 0
    for path in paths(torch, device):
        os.environ["MMKERNELS_CUDA_PATH"] = path
        for name, call in cases(mmkernels, x, y).items():
            try:
                call()
                if device == "cuda":
                    torch.cuda.synchronize()
                print(f"{path}, {name}: done", flush=True)
            except NotImplementedError as error:
                print(f"{path}, {name}: not on this device ({error})", flush=True)
            except Exception as error:
                failed = 1
                print(f"{path}, {name}: FAILED: {type(error).__name__}: {error}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
