"""What the contests measure on, drawn on the device: as in peers/problem.py, factors and noise."""

from __future__ import annotations

from typing import Any

FACTORS = 64
CHUNK_ROWS = 65_536


def representation(n: int, d: int, *, seed: int, device: str, bent: bool = False) -> Any:
    """(n, d): views of the same factors for one `seed`, whatever d; columns of variance about 1."""
    import torch

    draw = torch.Generator(device).manual_seed(seed)
    own = torch.Generator(device).manual_seed(1000 * seed + d + (500 if bent else 0))
    mixing = torch.randn(FACTORS, d, generator=own, device=device) / FACTORS**0.5
    rows = torch.empty(n, d, device=device)
    for start in range(0, n, CHUNK_ROWS):
        part = rows[start : start + CHUNK_ROWS]
        mixed = torch.randn(len(part), FACTORS, generator=draw, device=device) @ mixing
        mixed = mixed.tanh() if bent else mixed
        mixed += torch.randn(len(part), d, generator=own, device=device)
        part.copy_(mixed / 2**0.5)
    return rows


def one(n: int, d: int, device: str) -> Any:
    """Embeddings as models give them: of unit length, in bfloat16."""
    import torch

    return unit(representation(n, d, seed=1, device=device)).to(torch.bfloat16)


def decaying(n: int, d: int, device: str) -> Any:
    """Gaussian, of standard deviation 1 / i in column i: a few columns have nearly all variance."""
    import torch

    draw = torch.Generator(device).manual_seed(3)
    rows = torch.randn(n, d, generator=draw, device=device)
    return rows.div_(torch.arange(1, d + 1, device=device))


def unit(rows: Any) -> Any:
    return rows.div_(rows.norm(dim=1, keepdim=True))


def two(n: int, d: int, device: str) -> tuple[Any, Any]:
    return tuple(representation(n, d, seed=1, device=device, bent=bent) for bent in (False, True))


def two_in_bfloat16(n: int, d: int, device: str) -> tuple[Any, Any]:
    import torch

    def one_of_two(bent: bool) -> Any:
        rows = representation(n, d, seed=1, device=device, bent=bent)
        return unit(rows).to(torch.bfloat16)

    return one_of_two(False), one_of_two(True)


def layers(n: int, d: int, device: str, count: int) -> list[Any]:
    """Each a little further from the first."""
    import torch

    first = representation(n, d, seed=1, device=device)
    other = representation(n, d, seed=2, device=device)
    steps = [layer / max(1, count - 1) for layer in range(count)]
    return [unit((1 - step) * first + step * other).to(torch.bfloat16) for step in steps]


def lists(n: int, d: int, device: str) -> tuple[Any, Any]:
    """What mmkernels.knn finds in two views: ten neighbours a row."""
    import mmkernels

    return tuple(mmkernels.knn(rows, 10, metric="l2") for rows in two(n, d, device))


CLASSES, VALIDATION_SHARE = 4, 5
DEPTHS, NETWORKS_OF_A_DEPTH = range(1, 11), 30


def networks(n: int, d: int, device: str) -> tuple[list[Any], Any, str]:
    """Networks as of the synthetic study, what they learn for two epochs, in host memory, where."""
    import numpy as np

    from mmkernels.mlp_ensemble import Network, TrainingData

    draw = np.random.default_rng(1)
    validation = n // VALIDATION_SHARE
    x = draw.standard_normal((n + validation, d)).astype(np.float32)
    noise = draw.gumbel(size=(n + validation, CLASSES))
    y = (2 * np.tanh(x @ draw.standard_normal((d, CLASSES))) + noise).argmax(axis=1)
    of_a_depth = NETWORKS_OF_A_DEPTH if device != "cpu" else 1
    members = [
        Network(depth=depth, slope=0.1, learning_rate=5e-3, epochs=2, seed=seed, order=seed)
        for depth in DEPTHS
        for seed in range(of_a_depth)
    ]
    return members, TrainingData(x[:n], y[:n], x[n:], y[n:], CLASSES), device
