"""What the kernels for Hopper are to reach on one H200, and whether a run reached it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from report import Row, table

from .contests import LARGE, MEDIUM, SMALL

HOPPER, FLASHLIB = "mmkernels, sm90", "FlashLib flash_knn, 1/16 of the queries"
NOT_MEASURED = "not measured"
Times = Callable[[str, str], float]


@dataclass(frozen=True)
class Goal:
    """`found` takes a function that gives the seconds of a contender of a contest, which raises
    KeyError where it was not measured. `reached` of what it returns."""

    what: str
    asked: str
    found: Callable[[Times], float]
    reached: Callable[[float], bool]
    said: Callable[[float], str]


def knn(n: int, d: int, k: int, decaying: bool = False) -> str:
    return f"knn{' of a decaying spectrum' if decaying else ''}, n = {n}, d = {d}, k = {k}"


def rate(what: str, contest: str, n: int, d: int, least: float) -> Goal:
    """Of all ordered pairs, each multiplied once or not at all."""
    return Goal(
        what,
        f"{least / 1e15:.1f} PFLOP/s of all ordered pairs",
        lambda times: 2.0 * n * n * d / times(contest, HOPPER),
        lambda found: found >= least,
        lambda found: f"{found / 1e15:.2f} PFLOP/s",
    )


def faster(what: str, contest: str, peer: str, least: float) -> Goal:
    return Goal(
        what,
        f"{least:g} x FlashLib",
        lambda times: times(contest, peer) / times(contest, HOPPER),
        lambda found: found >= least,
        lambda found: f"{found:.1f} x",
    )


def within(what: str, contest: str, contender: str, most: float) -> Goal:
    return Goal(
        what,
        f"under {most * 1e3:g} ms" if most < 1 else f"under {most:g} s",
        lambda times: times(contest, contender),
        lambda found: found < most,
        lambda found: f"{found * 1e3:.2f} ms" if most < 1 else f"{found:.2f} s",
    )


NEIGHBORS = f"neighbours, n = {MEDIUM:,}, D = 1024, k = 10"
GOALS = (
    rate(NEIGHBORS, knn(MEDIUM, 1024, 10), MEDIUM, 1024, 1e15),
    faster(NEIGHBORS, knn(MEDIUM, 1024, 10), FLASHLIB, 4),
    rate("the same, deviations 1/i", knn(MEDIUM, 1024, 10, decaying=True), MEDIUM, 1024, 3e15),
    faster(f"neighbours, n = {MEDIUM:,}, D = 128, k = 10", knn(MEDIUM, 128, 10), FLASHLIB, 2),
    Goal(
        "k = 100 beside k = 10, D = 1024",
        "1.3 x its time",
        lambda times: times(knn(MEDIUM, 1024, 100), HOPPER) / times(knn(MEDIUM, 1024, 10), HOPPER),
        lambda found: found <= 1.3,
        lambda found: f"{found:.2f} x",
    ),
    within(
        f"two modalities and their overlap, n = {LARGE:,}, D = 1024, k = 10",
        f"mutual knn, n = {LARGE}, d = 1024 + 1024, k = 10",
        HOPPER,
        5,
    ),
    within(
        f"RBF CKA, fast, n = {SMALL:,}, D = 1024 + 1024",
        f"cka rbf, n = {SMALL}, d = 1024",
        "mmkernels, fast, sm90",
        20e-3,
    ),
    within(
        f"linear unbiased CKA, exact, n = {SMALL:,}, D = 1024",
        f"cka linear, n = {SMALL}, d = 1024",
        HOPPER,
        5e-3,
    ),
    within(
        f"mutual kNN under 200 relabellings, n = {LARGE:,}, k = 10",
        f"relabelling null, n = {LARGE}, k = 10",
        "mmkernels",
        2,
    ),
)


def rows(results: list[Row]) -> list[list[str]]:
    seconds = {
        (result["contest"], contender["name"]): contender["seconds"]
        for result in results
        for contender in result["contenders"]
        if "seconds" in contender
    }
    lines = []
    for goal in GOALS:
        try:
            found: Any = goal.found(lambda contest, name: seconds[contest, name])
        except KeyError:
            lines.append([goal.what, goal.asked, NOT_MEASURED, ""])
            continue
        verdict = "yes" if goal.reached(found) else "no"
        lines.append([goal.what, goal.asked, goal.said(found), verdict])
    return lines


def render(results: list[Row]) -> str:
    return table(["on one H200", "asked", "found", "reached"], rows(results), texts=4)
