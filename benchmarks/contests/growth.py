"""How time and memory grow with the number of samples, one call each."""

from __future__ import annotations

from typing import Any

from agreement import exact_neighbors
from contest import Contest
from peers import OURS

from . import data, work
from .neighbors import ours

NEIGHBORS = 10
LARGEST_QUICK = 50_000


def compare(x: Any, answers: dict[str, Any]) -> dict[str, Any]:
    return {OURS.name: exact_neighbors(x, answers[OURS.name])}


CONTESTS = tuple(
    Contest(
        key=f"growth, n = {n}",
        section="growth",
        what="knn",
        n=n,
        d=128,
        k=NEIGHBORS,
        inputs=data.unit_gaussian,
        contenders=(ours(NEIGHBORS),),
        compare=compare,
        multiply_adds=work.pairs,
        once=True,
        quick=n <= LARGEST_QUICK,
    )
    for n in (12_500, 25_000, 50_000, 100_000, 200_000)
)
