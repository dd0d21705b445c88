"""What platonic-rep's ``metrics.py`` computes, step for step, so that its numbers come again.

All n x n, in the type of the features, with its epsilon and its random numbers.
"""

from __future__ import annotations

import numpy as np
import torch

_EPSILON = 1e-6


def nearest(feats: torch.Tensor, topk: int) -> torch.Tensor:
    similarity = feats @ feats.T
    return similarity.fill_diagonal_(-1e8).argsort(dim=1, descending=True)[:, :topk]


def knn_accuracy(knn: torch.Tensor) -> torch.Tensor:
    own = torch.arange(len(knn), device=knn.device).view(-1, *[1] * (knn.ndim - 1))
    return (knn == own).flatten(start_dim=1).any(dim=1).float().mean()


def cycle_knn(a: torch.Tensor, b: torch.Tensor, topk: int) -> float:
    return knn_accuracy(nearest(a, topk)[nearest(b, topk)]).item()


def mutual_knn(a: torch.Tensor, b: torch.Tensor, topk: int) -> float:
    in_a, in_b = nearest(a, topk), nearest(b, topk)
    common = torch.stack([torch.isin(*pair).sum() for pair in zip(in_a, in_b, strict=True)]).float()
    return (common / in_a.shape[1]).mean().item()


def hsic_unbiased(k: torch.Tensor, l: torch.Tensor) -> torch.Tensor:  # noqa: E741
    n = len(k)
    k, l = (m.clone().fill_diagonal_(0) for m in (k, l))  # noqa: E741
    total = (k * l.T).sum() + k.sum() * l.sum() / ((n - 1) * (n - 2))
    return (total - 2 * (k @ l).sum() / (n - 2)) / (n * (n - 3))


def hsic_biased(k: torch.Tensor, l: torch.Tensor) -> torch.Tensor:  # noqa: E741
    centring = torch.eye(len(k), dtype=k.dtype) - 1 / len(k)
    return torch.trace(k @ centring @ l @ centring)


def _ratio(cross: torch.Tensor, own_a: torch.Tensor, own_b: torch.Tensor) -> torch.Tensor:
    return cross / (torch.sqrt(own_a * own_b) + _EPSILON)


def cka(a: torch.Tensor, b: torch.Tensor, kernel: str, sigma: float, unbiased: bool) -> float:
    if kernel == "ip":
        k, l = a @ a.T, b @ b.T  # noqa: E741
    else:
        k, l = (torch.exp(-(torch.cdist(z, z) ** 2) / (2 * sigma**2)) for z in (a, b))  # noqa: E741
    hsic = hsic_unbiased if unbiased else hsic_biased
    own_k, own_l = hsic(k, k), hsic(l, l)
    return _ratio(hsic(k, l), own_k, own_l).item()


def cknna(a: torch.Tensor, b: torch.Tensor, topk: int, unbiased: bool) -> float:
    k, l = a @ a.T, b @ b.T  # noqa: E741
    hsic = hsic_unbiased if unbiased else hsic_biased

    def chosen(kernel: torch.Tensor) -> torch.Tensor:
        if unbiased:
            kernel = kernel.clone().fill_diagonal_(float("-inf"))
        return torch.zeros(kernel.shape).scatter_(1, kernel.topk(topk, dim=1).indices, 1)

    def alignment(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        mutual = chosen(first) * chosen(second)
        return hsic(mutual * first, mutual * second)

    cross, own_k, own_l = alignment(k, l), alignment(k, k), alignment(l, l)
    return cross.item() / (torch.sqrt(own_k * own_l) + _EPSILON).item()


def svcca(a: torch.Tensor, b: torch.Tensor, dimensions: int) -> float:
    try:
        from sklearn.cross_decomposition import CCA
    except ImportError:
        raise ImportError("svcca with strict=True needs scikit-learn: install it.") from None
    standard = [(z - z.mean(dim=0)) / (z.std(dim=0) + 1e-8) for z in (a, b)]
    # The order of the random draws is part of the number.
    left = [torch.svd_lowrank(z, q=dimensions)[0].numpy() for z in standard]
    model = CCA(n_components=dimensions)
    model.fit(*left)
    noisy = [z + 1e-10 * np.random.randn(*z.shape) for z in model.transform(*left)]  # noqa: NPY002
    pairs = zip(*(z.T for z in noisy), strict=True)
    return float(np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs]))
