"""One process of a contest: it makes the inputs, then does what it is told, line by line.

python worker.py CONTEST N D

Every line on the standard input is a command, every reply one line of JSON:
`products` names the library products, `time NAME` times a contender or a product (its first call
decides how often later ones are repeated within a sample), `memory NAME` calls a contender once
and says what that added to the peak, `compare` judges the answers so far, `facts` says which
libraries are loaded and how.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from functools import cached_property
from typing import Any

import contests
import machine
import products
from contest import Contest

# One sample lasts at least this long; short calls are repeated within it.
SAMPLE_SECONDS = 0.1
# Enough to load the libraries and start their threads before memory is measured.
WARM_UP_ROWS = 256


class Worker:
    def __init__(self, contest: Contest):
        self.contest = contest
        self.contenders = {contender.name: contender for contender in contest.contenders}
        self.answers: dict[str, Any] = {}
        self.repeats: dict[str, int] = {}
        self.library_products: dict[str, Callable[[], object]] = {}

    @cached_property
    def inputs(self) -> Any:
        return self.contest.inputs(self.contest.n, self.contest.d)

    def products(self, _: str) -> dict[str, Any]:
        import mmkernels

        return {"products": products.names(mmkernels.instruction_set())}

    def call(self, name: str) -> None:
        if name in self.contenders:
            self.answers[name] = self.contenders[name].call(self.inputs)
            return
        if name not in self.library_products:
            self.library_products[name] = products.product(name)
        self.library_products[name]()

    def time(self, name: str) -> dict[str, Any]:
        _ = self.inputs
        repeats = self.repeats.get(name, 1)
        start = time.perf_counter()
        for _ in range(repeats):
            self.call(name)
        seconds = (time.perf_counter() - start) / repeats
        self.repeats.setdefault(name, max(1, math.ceil(SAMPLE_SECONDS / seconds)))
        return {"seconds": seconds}

    def memory(self, name: str) -> dict[str, Any]:
        few = min(WARM_UP_ROWS, self.contest.n)
        self.contenders[name].call(self.contest.inputs(few, self.contest.d))
        _ = self.inputs
        known = machine.peak_memory_is_known()
        if known:
            machine.restart_memory_peak()
            before = machine.memory_mib("VmRSS")
        start = time.perf_counter()
        self.call(name)
        seconds = time.perf_counter() - start
        peak = machine.memory_mib("VmHWM") - before if known else None
        return {"seconds": seconds, "peak_mib": peak}

    def compare(self, _: str) -> dict[str, Any]:
        verdicts = self.contest.compare(self.inputs, self.answers)
        return {
            name: {
                "agrees": bool(verdict.agrees),
                "difference": float(verdict.difference),
                "difference_is": verdict.measure,
            }
            for name, verdict in verdicts.items()
        }

    def facts(self, _: str) -> dict[str, Any]:
        from threadpoolctl import threadpool_info

        import mmkernels

        libraries = [
            {key: found.get(key) for key in ("prefix", "version", "architecture", "num_threads")}
            for found in threadpool_info()
        ]
        own = {"prefix": "mmkernels", "num_threads": mmkernels.get_num_threads()}
        return {
            "instruction_set": mmkernels.instruction_set(),
            "libraries": [own, *libraries],
            "premise": self.contest.premise(),
        }


def reply_to(worker: Worker, line: str) -> dict[str, Any]:
    command, _, name = line.strip().partition(" ")
    try:
        return getattr(worker, command)(name)
    except ModuleNotFoundError as error:
        return {"failed": f"{error.name} is not installed"}
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}


def main(key: str, n: str, d: str) -> None:
    # What a library prints must not be taken for a reply.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(dataclasses.replace(contests.find(key), n=int(n), d=int(d)))
    for line in sys.stdin:
        print(json.dumps(reply_to(worker, line)), file=replies, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
