"""The process that has the device: asked in lines of JSON, it answers in lines of JSON.

python gpu_worker.py DEVICE DIVISOR. It may be ended at any time, by its parent or by a kernel.
DIVISOR shrinks all sizes, for rehearsals on a CPU.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from typing import Any

from gpu import clock, contests, tilings
from gpu.contender import HOPPER


class Bench:
    """Keeps the inputs of one contest, and the truth about them."""

    def __init__(self, device: str, divisor: int):
        self.device, self.divisor = device, divisor
        self.key: str | None = None
        self.inputs: Any = None
        self.truth: Any = None

    def prepare(self, contest: contests.Contest) -> None:
        if self.key == contest.key:
            return
        self.inputs = self.truth = None
        self.key = None
        self.inputs = contest.inputs(*self.sizes(contest), self.device)
        self.key = contest.key

    def sizes(self, contest: contests.Contest) -> tuple[int, int]:
        return max(200, contest.n // self.divisor), max(32, contest.d // self.divisor)

    def measure(self, key: str, name: str, limit: float) -> dict[str, Any]:
        contest = contests.find(key)
        contender = next(each for each in contest.contenders if each.name == name)
        try:
            version = metadata.version(contender.distribution)
        except metadata.PackageNotFoundError:
            return {"missing": f"{contender.distribution} is not installed"}
        if self.device == "cpu" and not contender.on_cpu:
            return {"missing": "it is of a device"}
        if contender.hopper and clock.capability() != HOPPER:
            return {"missing": "it is for devices of compute capability 9.0"}
        self.prepare(contest)
        measured = clock.measure(lambda: contender.call(self.inputs, contest.k), self.device, limit)
        answer = measured.pop("answer")
        if self.truth is None:
            self.truth = contest.truth(self.inputs, contest.k)
        verdict = contest.compare(self.inputs, self.truth, answer, contest.k, contender.exact)
        n, d = self.sizes(contest)
        whole = contender.parts * measured["seconds"]
        return {
            **measured,
            "seconds": whole,
            "samples": [contender.parts * each for each in measured["samples"]],
            "parts": contender.parts,
            "flop_per_second": contest.flops(n, d) / whole,
            "version": version,
            **vars(verdict),
        }

    def tune(self) -> dict[str, Any]:
        """The best tiling, which from here on is used."""
        if clock.capability() != HOPPER:
            return {"missing": "it is for devices of compute capability 9.0"}
        self.key = self.inputs = self.truth = None
        found = tilings.tune(self.device, self.divisor)
        os.environ[tilings.TILING] = found["chosen"]
        return found

    def reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        what = asked.pop("what")
        if what == "measure":
            return self.measure(**asked)
        if what == "tune":
            return self.tune()
        if what == "rate":
            size = max(64, clock.PRODUCT_SIZE // self.divisor)
            return {"flop_per_second": clock.product_rate(self.device, size)}
        return {**clock.facts(self.device), "mmkernels": metadata.version("mmkernels")}


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def main(device: str, divisor: str) -> None:
    # What a library prints must not be taken for a reply.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    bench = Bench(device, int(divisor))
    for line in sys.stdin:
        try:
            said = bench.reply(json.loads(line))
        except Exception as error:
            said = {"failed": first_line(error)}
        print(json.dumps(said), file=replies, flush=True)
        if "failed" in said:
            return  # memory may be held, and after an error of CUDA no call works


if __name__ == "__main__":
    main(*sys.argv[1:])
