"""CKA of two representations beside torch."""

from __future__ import annotations

import math
from typing import Any

from agreement import same_score
from contest import Asked, Contender, Contest
from peers import OURS, Peer, mmkernels_native, torch_features, torch_gram, torch_platonic
from peers.problem import TOLERANCE, features

from . import work

PRODUCTS = "torch, the three products alone"


def bandwidth(x: Any) -> float:
    """About the median distance of features of variance 1."""
    return math.sqrt(2 * x.shape[1])


def compare_linear(xy: Any, answers: dict[str, Any]) -> dict[str, Any]:
    if PRODUCTS not in answers:
        return {}
    score = torch_features.cka_from_products(*xy, *answers[PRODUCTS])
    return {PRODUCTS: same_score(score, answers[OURS.name], TOLERANCE["cka linear"])}


def linear(d: int) -> Contest:
    return Contest(
        key=f"cka linear, d = {d}",
        section="engine",
        what="cka linear, unbiased",
        n=8192,
        d=d,
        inputs=features,
        contenders=(
            Contender(OURS.name, OURS, lambda xy: mmkernels_native.cka_linear(*xy)),
            Contender(PRODUCTS, torch_features.PEER, lambda xy: torch_features.products(*xy)),
        ),
        compare=compare_linear,
        multiply_adds=work.linear,
        asked=Asked(1.3, at_most=True),
        representations=2,
    )


def rbf(key: str, peer: Peer, call: Any, tolerance: float, most_rounds: int | None) -> Contest:
    def compare(_: Any, answers: dict[str, float]) -> dict[str, Any]:
        if peer.name not in answers:
            return {}
        return {peer.name: same_score(answers[peer.name], answers[OURS.name], tolerance)}

    return Contest(
        key=key,
        section="engine",
        what="cka rbf, unbiased",
        n=8192,
        d=768,
        inputs=features,
        contenders=(
            Contender(
                OURS.name, OURS, lambda xy: mmkernels_native.cka_rbf(*xy, sigma=bandwidth(xy[0]))
            ),
            Contender(peer.name, peer, lambda xy: call(*xy, sigma=bandwidth(xy[0]))),
        ),
        compare=compare,
        multiply_adds=lambda n, d: 2 * work.pairs(n, d),
        asked=Asked(12, share=0.75),
        representations=2,
        most_rounds=most_rounds,
    )


CONTESTS = (
    linear(768),
    linear(1024),
    rbf("cka rbf", torch_gram.PEER, torch_gram.cka_rbf, TOLERANCE["cka rbf"], None),
    # Half a minute a call.
    rbf(
        "cka rbf as written",
        torch_platonic.PEER,
        torch_platonic.cka_rbf,
        torch_platonic.TOLERANCE,
        2,
    ),
)
