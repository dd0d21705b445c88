"""Ways of doing the work of a contest: ours first, then what others would write or install."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers import torch_gram

from .contender import Contender, on_both_paths

# Scores of this many queries at a time, in bfloat16, are 2 GB for a million candidates.
QUERIES_AT_ONCE = 1024
PAIRS_AT_ONCE = 4096


def ours_neighbors(x: Any, k: int) -> Any:
    import mmkernels

    return mmkernels.knn(x, k, metric="l2").indices


def torch_neighbors(x: Any, k: int, queries: int | None = None) -> Any:
    """The order of -|x_i - x_j|^2 is that of x_i . x_j - |x_j|^2 / 2."""
    import torch

    count = queries or len(x)
    wide = x if x.dtype == torch.float64 else x.float()
    halves = wide.square().sum(dim=1).div_(-2).to(x.dtype)
    found = torch.empty(count, k, dtype=torch.int64, device=x.device)
    for start in range(0, count, QUERIES_AT_ONCE):
        part = x[start : min(start + QUERIES_AT_ONCE, count)]
        scores = torch.addmm(halves, part, x.T)
        own = torch.arange(len(part), device=x.device)
        scores[own, start + own] = -torch.inf
        found[start : start + len(part)] = scores.topk(k, dim=1).indices
    return found


def flash_neighbors(x: Any, k: int, queries: int | None = None) -> Any:
    """One more than asked for: it has each row as its own nearest neighbour."""
    from flashlib import flash_knn

    asked = x if queries is None else x[:queries]
    return flash_knn(asked[None], x[None], k + 1, return_distances=False)[0]


def neighbors(parts: int) -> tuple[Contender, ...]:
    """With `parts` above 1, all but ours search for the first of so many parts of the rows."""

    def part(search: Callable[..., Any]) -> Callable[[Any, int | None], Any]:
        return lambda x, k: search(x, k, len(x) // parts if parts > 1 else None)

    said = f", 1/{parts} of the queries" if parts > 1 else ""
    return on_both_paths(
        (
            Contender("mmkernels", "mmkernels", ours_neighbors, exact=True),
            Contender(
                f"torch mm + topk, bfloat16{said}", "torch", part(torch_neighbors), parts=parts
            ),
            Contender(f"FlashLib flash_knn{said}", "flashlib", part(flash_neighbors), parts=parts),
        )
    )


def ours_of_two(xy: Any, k: int) -> Any:
    import mmkernels

    return mmkernels.mutual_knn(*xy, k=k, metric="l2")


def torch_of_two(xy: Any, k: int) -> Any:
    x, y = xy
    part = len(x) // PARTS_OF_TWO
    return common(torch_neighbors(x, k, part), torch_neighbors(y, k, part))


def common(a: Any, b: Any) -> float:
    """The share of two arrays of lists that they have in common, row by row."""
    return (
        sum(
            float((a[s : s + PAIRS_AT_ONCE, :, None] == b[s : s + PAIRS_AT_ONCE, None]).sum())
            for s in range(0, len(a), PAIRS_AT_ONCE)
        )
        / a.numel()
    )


# Of a million queries each, as in `neighbors`; the score is then of these rows alone.
PARTS_OF_TWO = 16
TWO = on_both_paths(
    (
        Contender("mmkernels", "mmkernels", ours_of_two, exact=True),
        Contender(
            f"torch mm + topk, bfloat16, 1/{PARTS_OF_TWO} of the queries",
            "torch",
            torch_of_two,
            parts=PARTS_OF_TWO,
        ),
    )
)


def bandwidth(x: Any) -> float:
    """About the median distance of features of variance 1."""
    return (2 * x.shape[1]) ** 0.5


def ours_rbf(xy: Any, _: None) -> Any:
    import mmkernels

    return mmkernels.cka(*xy, kernel="rbf", sigma=bandwidth(xy[0]))


def ours_rbf_of(precision: str) -> Callable[[Any, None], Any]:
    def call(xy: Any, _: None) -> Any:
        from mmkernels import cuda

        return cuda.cka(*xy, kernel="rbf", sigma=bandwidth(xy[0]), precision=precision)

    return call


def ours_linear(xy: Any, _: None) -> Any:
    import mmkernels

    return mmkernels.cka(*xy, kernel="linear")


def torch_kernels(kernel: Callable[[Any], Any], tf32: bool) -> Callable[[Any, None], Any]:
    """Both n x n matrices in memory."""

    def call(xy: Any, _: None) -> Any:
        import torch

        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        try:
            return torch_gram.cka(*map(kernel, xy))
        finally:
            torch.set_float32_matmul_precision(before)

    return call


def kernel_rbf(rows: Any) -> Any:
    return torch_gram.rbf(rows, bandwidth(rows))


def torch_feature_space(xy: Any, _: None) -> Any:
    """Unbiased linear CKA from three products of the features' own width, in float32."""
    x, y = (rows - rows.mean(dim=0) for rows in xy)
    n = len(x)

    def hsic(a: Any, b: Any) -> float:
        norms_a, norms_b = (rows.square().sum(dim=1).double() for rows in (a, b))
        own = norms_a @ norms_b
        total = (a.T @ b).double().square().sum() - own
        sums = norms_a.sum() * norms_b.sum() / ((n - 1) * (n - 2))
        return float((total + sums - 2 / (n - 2) * own) / (n * (n - 3)))

    return hsic(x, y) / (hsic(x, x) * hsic(y, y)) ** 0.5


RBF = on_both_paths(
    (
        Contender("mmkernels, exact", "mmkernels", ours_rbf, exact=True),
        Contender("mmkernels, high", "mmkernels", ours_rbf_of("high"), exact=True, on_cpu=False),
        Contender("mmkernels, fast", "mmkernels", ours_rbf_of("fast"), on_cpu=False),
        Contender("torch n x n kernels, float32", "torch", torch_kernels(kernel_rbf, tf32=False)),
        Contender("torch n x n kernels, TF32", "torch", torch_kernels(kernel_rbf, tf32=True)),
    )
)

LINEAR = on_both_paths(
    (
        Contender("mmkernels", "mmkernels", ours_linear, exact=True),
        Contender("torch, products of features, float32", "torch", torch_feature_space),
        Contender(
            "torch n x n kernels, float32", "torch", torch_kernels(torch_gram.linear, tf32=False)
        ),
    )
)


def ours_overlap(xs: Any, k: int) -> Any:
    import mmkernels

    return mmkernels.mutual_knn_matrix(xs, k=k, metric="l2")


def torch_overlap(xs: Any, k: int) -> Any:
    """Lists by mm and topk, then every pair of layers by comparing all of k with all of k."""
    import torch

    lists = [torch_neighbors(x, k) for x in xs]
    shares = torch.empty(len(xs), len(xs), dtype=torch.float64)
    for i, a in enumerate(lists):
        for j, b in enumerate(lists[: i + 1]):
            shares[i, j] = shares[j, i] = common(a, b)
    return shares


OVERLAP = on_both_paths(
    (
        Contender("mmkernels", "mmkernels", ours_overlap, exact=True),
        Contender("torch mm + topk, bfloat16", "torch", torch_overlap),
    )
)


RELABELLINGS = 200


def ours_null(lists: Any, k: int) -> Any:
    import mmkernels

    return mmkernels.mutual_knn_null(*lists, k=k, permutations=RELABELLINGS)


def torch_null(lists: Any, k: int) -> Any:
    """Lists of y under permutations of its own, all of k compared with all of k at once."""
    import torch

    x, y = (found.indices[:, :k] for found in lists)
    n = len(x)
    shares = torch.empty(RELABELLINGS, dtype=torch.float64, device=x.device)
    for number in range(RELABELLINGS):
        order = torch.randperm(n, device=x.device)
        place = torch.empty_like(order)
        place[order] = torch.arange(n, device=x.device)
        shares[number] = (x[:, :, None] == place[y[order]][:, None]).sum() / (n * k)
    return shares


NULL = (
    Contender("mmkernels", "mmkernels", ours_null, exact=True),
    Contender("torch randperm, all of k with all of k", "torch", torch_null),
)


STEPS_COMPARED = 50


def ours_networks(asked: tuple[list[Any], Any, str], _: None) -> Any:
    from mmkernels import mlp_ensemble
    from mmkernels.cuda.mlp_ensemble import fit

    networks, data, device = asked
    train = mlp_ensemble.fit if device == "cpu" else fit
    return train(networks, data, record_steps=STEPS_COMPARED)


def torch_networks(asked: tuple[list[Any], Any, str], _: None) -> Any:
    from mmkernels.torch.mlp_ensemble import fit_stacked

    networks, data, device = asked
    return fit_stacked(networks, data, record_steps=STEPS_COMPARED, device=device)


NETWORKS = (
    Contender("mmkernels", "mmkernels", ours_networks, exact=True),
    Contender("torch, stacked bmm", "torch", torch_networks),
)
