"""Whether an answer is right, by float64 on the device, for as much of it as is affordable."""

from __future__ import annotations

import math
from typing import Any

from contest import Verdict

SAMPLED_ROWS = 32
CANDIDATES_AT_ONCE = 32_768
KERNEL_ROWS_AT_ONCE = 1024
# Scores of float64 that differ by less, relative to the largest, are one score.
TIE = 1e-12
# Scores of an alignment: what an exact answer may differ by, and any other.
EXACT_SCORE, NEAR_SCORE = 1e-5, 1e-2
NEAR_LISTS = 0.05
NEAR_LOSSES = 1e-4  # relative
NULLS_COMPARED = 3
NULL_ERRORS = 5  # standard errors of a mean


def exact_scores(x: Any, rows: Any) -> Any:
    """-|x_i - x_j|^2 / 2 up to a constant of the row, for some rows i; -inf for i itself."""
    import torch

    asked = x[rows].double()
    parts = []
    for start in range(0, len(x), CANDIDATES_AT_ONCE):
        part = x[start : start + CANDIDATES_AT_ONCE].double()
        parts.append(asked @ part.T - part.square().sum(dim=1) / 2)
    scores = torch.cat(parts, dim=1)
    scores[torch.arange(len(rows), device=x.device), rows] = -torch.inf
    return scores


def neighbors(x: Any, found: Any, k: int, exact: bool) -> Verdict:
    """The share of listed neighbours that float64 does not have among its k best, ties aside.

    `found` are the lists of the first rows. They may hold the row itself, which is passed over.
    An exact answer also has its neighbours best first.
    """
    import torch

    rows = torch.linspace(0, len(found) - 1, min(SAMPLED_ROWS, len(found)), device=x.device).long()
    scores = exact_scores(x, rows)
    best = scores.topk(k, dim=1).values
    within = TIE * scores.where(scores.isfinite(), 0).abs().amax(dim=1, keepdim=True)
    wrong = unordered = 0
    for row, line, limit in zip(range(len(rows)), found[rows].long(), within[:, 0], strict=True):
        kept = line[line != rows[row]][:k]
        reached = scores[row][kept.clamp(min=0)]
        wrong += int((reached < best[row, -1] - limit).sum()) + k - len(kept.unique())
        unordered += int(((reached - best[row, : len(kept)]).abs() > limit).any())
    difference = wrong / (len(rows) * k)
    agrees = wrong + unordered == 0 if exact else difference <= NEAR_LISTS
    return Verdict(agrees, difference, f"share of neighbours of {len(rows)} rows unlike float64")


SHARED_ROWS = 2048
# So many standard errors of a sample of rows.
SAMPLING = 5


def shared(x: Any, y: Any, k: int) -> tuple[float, float]:
    """The share of neighbours in common, of some rows, and its standard error for all."""
    import torch

    rows = torch.linspace(0, len(x) - 1, min(SHARED_ROWS, len(x)), device=x.device).long()
    in_common = []
    for part in rows.split(SAMPLED_ROWS):
        lists = [exact_scores(side, part).topk(k, dim=1).indices for side in (x, y)]
        in_common.append((lists[0][:, :, None] == lists[1][:, None]).sum(dim=(1, 2)) / k)
    shares = torch.cat(in_common).double()
    return float(shares.mean()), float(shares.std() / len(shares) ** 0.5)


def share(found: Any, truth: tuple[float, float]) -> Verdict:
    """Of all rows or of a part of them, against a sample of rows."""
    mean, error = truth
    difference = float(found) - mean
    return Verdict(
        abs(difference) <= SAMPLING * error + 1 / SHARED_ROWS**2,
        difference,
        "score minus float64 on a sample of rows",
    )


def score(found: Any, truth: float, exact: bool) -> Verdict:
    difference = float(found) - truth
    within = EXACT_SCORE if exact else NEAR_SCORE
    return Verdict(abs(difference) <= within, difference, "score minus float64")


def scores(found: Any, truth: Any, exact: bool) -> Verdict:
    """Of the matrices of overlaps. Ours need no more than lists that are exact."""
    difference = float((found.cpu().double() - truth.cpu()).abs().max())
    within = EXACT_SCORE if exact else NEAR_LISTS
    return Verdict(difference <= within, difference, "largest difference from exact lists")


def relabelled_scores(lists: Any, k: int) -> Any:
    """The first few of mutual_knn_null, by the specification of the permutations."""
    import torch

    from mmkernels import reference

    x, y = (found.indices[:, :k].cpu() for found in lists)
    scores = []
    for number in range(NULLS_COMPARED):
        order = torch.from_numpy(reference.relabelling(len(x), number))
        place = order.argsort()
        common = sum((x == place[y[order, j]][:, None]).sum() for j in range(k))
        scores.append(float(common) / x.numel())
    return torch.tensor(scores, dtype=torch.float64)


def null(found: Any, truth: Any, n: int, k: int, exact: bool) -> Verdict:
    """Of permutations of one's own, by their mean."""
    found = found.cpu()
    if exact:
        difference = float((found[: len(truth)] - truth).abs().max())
        return Verdict(difference == 0, difference, "largest difference from relabelled lists")
    difference = float(found.mean()) - k / (n - 1)
    within = NULL_ERRORS * float(found.std()) / len(found) ** 0.5
    return Verdict(abs(difference) <= within, difference, "mean minus k / (n - 1)")


def cka_rbf(x: Any, y: Any, sigma: float) -> float:
    return _cka(x, y, lambda squares: (squares / (-2 * sigma**2)).exp_())


def cka_linear(x: Any, y: Any) -> float:
    return _cka(x, y, None)


def _cka(x: Any, y: Any, of_squares: Any) -> float:
    """Unbiased, from float64 kernel matrices of which a few rows exist at a time."""
    import torch

    n = len(x)
    sides = [rows.double() - rows.double().mean(dim=0) for rows in (x, y)]
    norms = [rows.square().sum(dim=1) for rows in sides]
    products = torch.zeros(3, dtype=torch.float64, device=x.device)
    sums = torch.zeros(2, n, dtype=torch.float64, device=x.device)
    for start in range(0, n, KERNEL_ROWS_AT_ONCE):
        tiles = []
        for side, (rows, square) in enumerate(zip(sides, norms, strict=True)):
            part = rows[start : start + KERNEL_ROWS_AT_ONCE]
            tile = part @ rows.T
            if of_squares:
                own = square[start : start + len(part), None]
                tile = of_squares((own + square - 2 * tile).clamp_(min=0))
            at = torch.arange(len(part), device=x.device)
            tile[at, start + at] = 0
            sums[side, start : start + len(part)] = tile.sum(dim=1)
            tiles.append(tile)
        k, l = tiles  # noqa: E741 - the literature's name
        products += torch.stack([(k * l).sum(), (k * k).sum(), (l * l).sum()])

    def hsic(product: Any, a: Any, b: Any) -> float:
        total = product + a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (a @ b)
        return float(total)

    kl, kk, ll = products
    within = hsic(kk, sums[0], sums[0]) * hsic(ll, sums[1], sums[1])
    return hsic(kl, sums[0], sums[1]) / math.sqrt(within)


def first_losses(asked: tuple[list[Any], Any, str], steps: int) -> dict[int, Any]:
    """Of the steps of a network of each depth, in float64."""
    from dataclasses import replace

    from mmkernels.reference import mlp_ensemble

    networks, data, _ = asked
    width = data.inputs.shape[1], data.outputs
    found = {}
    for index, network in enumerate(networks):
        if network.depth not in {networks[other].depth for other in found}:
            start = network.initial_parameters(*width)
            fitted = mlp_ensemble.train(replace(network, epochs=1), data, start)
            found[index] = fitted.step_losses[:steps]
    return found


def losses(found: list[Any], truth: dict[int, Any]) -> Verdict:
    difference = max(
        float(abs(found[index].step_losses[: len(wanted)] / wanted - 1).max())
        for index, wanted in truth.items()
    )
    return Verdict(
        difference <= NEAR_LOSSES, difference, "largest relative difference of losses from float64"
    )
