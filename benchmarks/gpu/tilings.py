"""How Hopper's kernels cut their work: a small table of ways, of which a device tells the best."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from report import Row, milliseconds, table

from . import clock, contests
from .contender import hopper

TILING = "MMKERNELS_CUDA_TILING"
ROUNDS = 5
# Less is what the same setting differs by from one time to the next.
WORTH_WHILE = 0.02


@dataclass(frozen=True)
class Question:
    """Which of the settings makes ours fastest at a contest. The first is what is built in; others
    are tried together with what earlier questions chose."""

    contest: str
    settings: tuple[str, ...]


def neighbors(d: int, settings: tuple[str, ...]) -> Question:
    return Question(f"knn, n = {contests.SMALL}, d = {d}, k = 10", settings)


QUESTIONS = (
    neighbors(1024, ("", "knn_strip=4", "knn_strip=16", "knn_blocks=1")),
    neighbors(256, ("", "knn_resident=0")),
    neighbors(128, ("", "knn_resident=0")),
    Question(f"cka rbf, n = {contests.SMALL}, d = 1024", ("", "gram_blocks=1")),
)


@contextmanager
def tiling(settings: str) -> Iterator[None]:
    before = os.environ.get(TILING)
    os.environ[TILING] = settings
    try:
        yield
    finally:
        os.environ.pop(TILING) if before is None else os.environ.update({TILING: before})


def joined(*settings: str) -> str:
    return ",".join(each for each in settings if each)


def best(times: dict[str, float]) -> str:
    """The fastest setting; the first one where no other is faster by what is worth a change."""
    built_in = next(iter(times))
    fastest = min(times, key=times.__getitem__)
    return fastest if times[fastest] < (1 - WORTH_WHILE) * times[built_in] else built_in


def seconds(contest: contests.Contest, inputs: Any, device: str, settings: str) -> float:
    """Of ours, as a median after a call that is not timed."""

    def call() -> Any:
        return ours(inputs, contest.k)

    ours = hopper(contest.contenders[0]).call
    with tiling(settings):
        call()
        return median(clock.seconds(call, device) for _ in range(ROUNDS))


def tune(device: str, divisor: int) -> dict[str, Any]:
    """Seconds of every setting, what was best, and all of that in one setting."""
    chosen = ""
    answers: list[Row] = []
    for question in QUESTIONS:
        contest = contests.find(question.contest)
        sizes = max(200, contest.n // divisor), max(32, contest.d // divisor)
        inputs = contest.inputs(*sizes, device)
        times = {
            setting: seconds(contest, inputs, device, joined(chosen, setting))
            for setting in question.settings
        }
        found = best(times)
        chosen = joined(chosen, found)
        answers.append({"contest": contest.key, "seconds": times, "best": found})
    return {"questions": answers, "chosen": chosen}


def render(found: Row) -> str:
    """The table of what `tune` returned."""
    lines = [
        [
            question["contest"],
            setting or "as built in",
            "best" if setting == question["best"] else "",
            milliseconds(time),
        ]
        for question in found["questions"]
        for setting, time in question["seconds"].items()
    ]
    return table(["contest", "tiling", "", "time, ms"], lines, texts=3)
