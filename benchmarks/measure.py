"""Runs a contest: processes with the environments it asks for, contenders taking turns.

Turns are taken in rounds, so that a slow minute of the machine is shared by all, and ratios are
taken within a round. Library matrix products take their turn in the same rounds.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import products
from contest import Contender, Contest
from peers import faiss_flat

# Worker threads of OpenMP keep spinning for a while after a call and would slow the next one.
REST_SECONDS = 0.25
# A caller's choices, which would make a row mean something else than it says. The last one holds
# back the OpenBLAS of numpy.
UNSET = ("MMKERNELS_ISA", "MMKERNELS_PREFIX", *faiss_flat.HELD_TO_AVX2, "OPENBLAS_L2_SIZE")
THREAD_COUNTS = (
    "MMKERNELS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


class ContestFailed(Exception):
    pass


class Process:
    """A worker process, as a context."""

    def __init__(self, contest: Contest, environment: Mapping[str, str], threads: int):
        self.contest = contest
        inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
        counts = dict.fromkeys(THREAD_COUNTS, str(threads))
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("worker.py")),
                contest.key,
                str(contest.n),
                str(contest.d),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**inherited, **counts, **contest.environment, **environment},
        )

    def ask(self, command: str) -> dict[str, Any]:
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self.process.wait()
            raise ContestFailed(f"the process ended with status {status} at '{command}'")
        reply = json.loads(line)
        if "failed" in reply:
            raise ContestFailed(reply["failed"])
        return reply

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def measure(contest: Contest, rounds: int, threads: int) -> dict[str, Any]:
    """Everything a table says of a contest, and the samples it comes from."""
    result: dict[str, Any] = {
        "contest": contest.key,
        "section": contest.section,
        "what": contest.what,
        "n": contest.n,
        "d": contest.d,
        "k": contest.k,
        "environment": dict(contest.environment),
        "allowed_mib": contest.allowed_mib(),
        "contenders": [],
    }
    entrants = [contender for contender in contest.contenders if contender.peer.version()]
    try:
        measured = (once if contest.once else in_rounds)(contest, entrants, rounds, threads)
    except ContestFailed as failure:
        result["failed"] = str(failure)
        return result
    result["instruction_set"] = measured["facts"]["instruction_set"]
    result["libraries"] = measured["facts"]["libraries"]
    rates = {
        name: products.MULTIPLY_ADDS / median(samples)
        for name, samples in measured["products"].items()
    }
    result["multiply_adds_per_second_of_library_products"] = rates
    limits: dict[str, float] = {}
    for name, rate in rates.items():
        precision = products.precision(name)
        limits[precision] = max(rate, limits.get(precision, 0))
    for contender in contest.contenders:
        row: dict[str, Any] = {"name": contender.name}
        result["contenders"].append(row)
        if contender not in entrants:
            row["missing"] = f"{contender.peer.distribution} is not installed"
            continue
        row.update(measured["contenders"][contender.name])
        row["environment"] = dict(contender.environment)
        row["parts"] = contender.parts
        row["seconds"] = median(row["samples"])
        rate = contest.multiply_adds(contest.n, contest.d) / row["seconds"]
        row["share_of_limit"] = {precision: rate / limit for precision, limit in limits.items()}
    judge(contest, result)
    return result


def in_rounds(
    contest: Contest, entrants: list[Contender], rounds: int, threads: int
) -> dict[str, Any]:
    rounds = min(rounds, contest.most_rounds or rounds)
    with contextlib.ExitStack() as stack:
        places: dict[frozenset[tuple[str, str]], Process] = {}
        turns: dict[str, Process] = {}
        for entrant in entrants:
            place = frozenset(entrant.environment.items())
            if place not in places:
                places[place] = stack.enter_context(Process(contest, entrant.environment, threads))
            turns[entrant.name] = places[place]
        home = turns[entrants[0].name]
        names = home.ask("products")["products"]
        samples = take_turns({**turns, **dict.fromkeys(names, home)}, rounds)
        facts = checked_facts(home, threads)
        verdicts: dict[str, Any] = {}
        for process in places.values():
            verdicts.update(process.ask("compare"))
    contenders = {}
    for entrant in entrants:
        with Process(contest, entrant.environment, threads) as process:
            memory = process.ask(f"memory {entrant.name}")
        contenders[entrant.name] = {
            "samples": [entrant.parts * seconds for seconds in samples[entrant.name]],
            "peak_mib": memory["peak_mib"],
            **verdicts.get(entrant.name, {}),
        }
    return {
        "contenders": contenders,
        "products": {name: samples[name] for name in names},
        "facts": facts,
    }


def once(contest: Contest, entrants: list[Contender], _: int, threads: int) -> dict[str, Any]:
    contenders = {}
    for entrant in entrants:
        with Process(contest, entrant.environment, threads) as process:
            memory = process.ask(f"memory {entrant.name}")
            contenders[entrant.name] = {
                "samples": [entrant.parts * memory["seconds"]],
                "peak_mib": memory["peak_mib"],
                **process.ask("compare").get(entrant.name, {}),
            }
            names = process.ask("products")["products"]
            samples = take_turns(dict.fromkeys(names, process), 1)
            facts = checked_facts(process, threads)
    return {"contenders": contenders, "products": samples, "facts": facts}


def take_turns(turns: Mapping[str, Process], rounds: int) -> dict[str, list[float]]:
    """Seconds per call of everyone in every round, after one round that is not counted."""
    samples: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, process in turns.items():
            time.sleep(REST_SECONDS)
            seconds = process.ask(f"time {name}")["seconds"]
            if number:
                samples[name].append(seconds)
    return samples


def checked_facts(process: Process, threads: int) -> dict[str, Any]:
    facts = process.ask("facts")
    if facts["premise"]:
        raise ContestFailed(facts["premise"])
    for library in facts["libraries"]:
        if library["num_threads"] != threads:
            raise ContestFailed(
                f"{library['prefix']} runs {library['num_threads']} threads, not {threads}"
            )
    return facts


def judge(contest: Contest, result: dict[str, Any]) -> None:
    """Compare with what is asked; `unmet` names what falls short."""
    present = [row for row in result["contenders"] if "missing" not in row]
    ours = present[0]
    unmet = []
    if contest.asked:
        result["asked"] = vars(contest.asked).copy()
    if contest.asked and len(present) > 1:
        ratios = [
            contest.asked.ratio_of(mine, theirs)
            for mine, theirs in zip(ours["samples"], present[1]["samples"], strict=True)
        ]
        result["ratio"] = median(ratios)
        result["ratio_lowest"], result["ratio_highest"] = min(ratios), max(ratios)
        if not contest.asked.met_by(result["ratio"]):
            unmet.append("ratio")
    wanted = contest.asked.share if contest.asked else None
    if wanted and ours["share_of_limit"]["float32"] < wanted:
        unmet.append("share")
    if ours["peak_mib"] is not None and ours["peak_mib"] > contest.allowed_mib():
        unmet.append("memory")
    if not all(row.get("agrees", True) for row in present):
        unmet.append("answers")
    result["unmet"] = unmet
