"""What is measured on a device, the most telling first: a run that is short of time leaves the
rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contest import Verdict

from . import answers, contenders, inputs
from .contender import Contender

SMALL, MEDIUM, LARGE = 65_536, 262_144, 1_000_000
LAYERS = 12
# A part of the queries is enough to time a search of a million rows by others.
PARTS = 16


@dataclass(frozen=True)
class Contest:
    """The first contender is ours. `flops` counts each unordered pair (of samples, or of features
    where that is the work) once. `truth` makes of the inputs what `compare` holds answers against.
    `limit_seconds` is what a contender may take in all, `least_seconds` what it surely needs."""

    key: str
    what: str
    n: int
    d: int
    k: int | None
    inputs: Callable[[int, int, str], Any]
    contenders: tuple[Contender, ...]
    flops: Callable[[int, int], float]
    truth: Callable[[Any, int | None], Any]
    compare: Callable[[Any, Any, Any, int | None, bool], Verdict]
    limit_seconds: float = 30
    least_seconds: float = 3


def neighbors(n: int, d: int, k: int, *, decaying: bool = False) -> Contest:
    large = n >= LARGE
    parts = PARTS if n >= MEDIUM else 1
    return Contest(
        key=f"knn{' of a decaying spectrum' if decaying else ''}, n = {n}, d = {d}, k = {k}",
        what=f"neighbours, l2{', deviations 1/i' if decaying else ''}",
        n=n,
        d=d,
        k=k,
        inputs=inputs.decaying if decaying else inputs.one,
        contenders=contenders.neighbors(parts),
        flops=lambda n, d: float(n) * n * d,
        truth=lambda x, k: None,
        compare=lambda x, _, found, k, exact: answers.neighbors(x, found, k, exact),
        limit_seconds=75 if large else 30,
        least_seconds=d / 100 if large else 3,
    )


def two(n: int, d: int, k: int) -> Contest:
    """Neighbours in both modalities, and how many they share."""
    return Contest(
        key=f"mutual knn, n = {n}, d = {d} + {d}, k = {k}",
        what="neighbours in two and their overlap, l2",
        n=n,
        d=d,
        k=k,
        inputs=inputs.two_in_bfloat16,
        contenders=contenders.TWO,
        flops=lambda n, d: 2.0 * n * n * d,
        truth=lambda xy, k: answers.shared(*xy, k),
        compare=lambda _, truth, found, k, exact: answers.share(found, truth),
        limit_seconds=90,
        least_seconds=20,
    )


def rbf(d: int) -> Contest:
    return Contest(
        key=f"cka rbf, n = {SMALL}, d = {d}",
        what="cka rbf, unbiased",
        n=SMALL,
        d=d,
        k=None,
        inputs=inputs.two,
        contenders=contenders.RBF,
        flops=lambda n, d: 2.0 * n * n * d,
        truth=lambda xy, _: answers.cka_rbf(*xy, contenders.bandwidth(xy[0])),
        compare=lambda _, truth, found, k, exact: answers.score(found, truth, exact),
    )


def linear(d: int) -> Contest:
    return Contest(
        key=f"cka linear, n = {SMALL}, d = {d}",
        what="cka linear, unbiased",
        n=SMALL,
        d=d,
        k=None,
        inputs=inputs.two,
        contenders=contenders.LINEAR,
        # X'Y, and X'X and Y'Y, of which either half is enough.
        flops=lambda n, d: 4.0 * n * d * d,
        truth=lambda xy, _: answers.cka_linear(*xy),
        compare=lambda _, truth, found, k, exact: answers.score(found, truth, exact),
    )


def overlap() -> Contest:
    return Contest(
        key=f"overlap of {LAYERS} layers",
        what=f"overlap of all pairs of {LAYERS} layers",
        n=16_384,
        d=1024,
        k=10,
        inputs=lambda n, d, device: inputs.layers(n, d, device, LAYERS),
        contenders=contenders.OVERLAP,
        flops=lambda n, d: float(LAYERS) * n * n * d,
        truth=lambda xs, k: contenders.torch_overlap([x.double() for x in xs], k),
        compare=lambda _, truth, found, k, exact: answers.scores(found, truth, exact),
    )


def null() -> Contest:
    """There is nothing to multiply: no rate is shown."""
    return Contest(
        key=f"relabelling null, n = {LARGE}, k = 10",
        what=f"mutual_knn under {contenders.RELABELLINGS} relabellings, of given lists",
        n=LARGE,
        d=64,
        k=10,
        inputs=inputs.lists,
        contenders=contenders.NULL,
        flops=lambda n, d: 0.0,
        truth=answers.relabelled_scores,
        compare=lambda lists, truth, found, k, exact: answers.null(
            found, truth, lists[0].shape[0], k, exact
        ),
        limit_seconds=60,
    )


def ensemble() -> Contest:
    """As many networks as keep a device busy, for two epochs: TFLOP/s are of their training."""
    return Contest(
        key="ensemble of networks",
        what=f"{len(inputs.DEPTHS) * inputs.NETWORKS_OF_A_DEPTH} small networks, two epochs",
        n=45_875,
        d=12,
        k=None,
        inputs=inputs.networks,
        contenders=contenders.NETWORKS,
        flops=training_flops,
        truth=lambda asked, _: answers.first_losses(asked, contenders.STEPS_COMPARED),
        compare=lambda _, truth, found, k, exact: answers.losses(found, truth),
        limit_seconds=60,
    )


def training_flops(n: int, d: int) -> float:
    """Two for each product of a sample: with weights, with their transposes, and of gradients."""
    width = 12
    deepest = [3 * width * (width * (depth - 1) + inputs.CLASSES) for depth in inputs.DEPTHS]
    layers = sum(deepest) + len(deepest) * 2 * width * d
    return 2.0 * 2 * n * layers * inputs.NETWORKS_OF_A_DEPTH


CONTESTS = (
    neighbors(MEDIUM, 1024, 10),
    rbf(1024),
    linear(1024),
    neighbors(MEDIUM, 128, 10),
    neighbors(MEDIUM, 1024, 10, decaying=True),
    neighbors(MEDIUM, 1024, 100),
    two(LARGE, 1024, 10),
    null(),
    *(neighbors(SMALL, d, 10) for d in (1024, 256, 4096, 128)),
    neighbors(MEDIUM, 512, 10),
    overlap(),
    ensemble(),
    *(neighbors(LARGE, d, 10) for d in (256, 1024, 128)),
    *(neighbors(SMALL, d, 100) for d in (1024, 256)),
    rbf(4096),
    linear(4096),
    *(neighbors(SMALL, d, 32) for d in (1024, 256)),
    *(neighbors(LARGE, d, 100) for d in (256, 1024)),
    neighbors(LARGE, 4096, 10),
    *(neighbors(SMALL, d, k) for d in (128, 4096) for k in (32, 100)),
    *(neighbors(LARGE, d, 32) for d in (256, 1024)),
    *(neighbors(LARGE, 128, k) for k in (32, 100)),
    *(neighbors(LARGE, 4096, k) for k in (32, 100)),
)


def find(key: str) -> Contest:
    return next(contest for contest in CONTESTS if contest.key == key)
