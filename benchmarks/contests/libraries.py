"""The first table: whole scores beside whatever else computes them, at three sizes."""

from __future__ import annotations

from functools import partial
from typing import Any

from agreement import same_score
from contest import Contender, Contest
from peers import OURS, PEERS
from peers.problem import FEATURES, OPERATIONS, TOLERANCE, features

from . import work

SIZES = (1024, 4096, 8192)
LARGEST_QUICK = 4096


def compare(operation: str, _: Any, answers: dict[str, float]) -> dict[str, Any]:
    ours = answers[OURS.name]
    return {name: same_score(score, ours, TOLERANCE[operation]) for name, score in answers.items()}


def multiply_adds(operation: str, n: int, d: int) -> int:
    return work.linear(n, d) if operation == "cka linear" else 2 * work.pairs(n, d)


def contest(operation: str, n: int) -> Contest:
    return Contest(
        key=f"{operation}, n = {n}",
        section="peers",
        what=operation,
        n=n,
        d=FEATURES,
        inputs=features,
        contenders=tuple(
            Contender(peer.name, peer, lambda xy, call=peer.operations[operation]: call(*xy))
            for peer in PEERS
            if operation in peer.operations
        ),
        compare=partial(compare, operation),
        multiply_adds=partial(multiply_adds, operation),
        representations=2,
        most_rounds=None if n <= LARGEST_QUICK else 3,
        quick=n <= LARGEST_QUICK,
    )


CONTESTS = tuple(contest(operation, n) for operation in OPERATIONS for n in SIZES)
