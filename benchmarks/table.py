"""Times mmkernels beside its peers and prints the tables in markdown.

python benchmarks/table.py [--only peers|engine|growth] [--contest TEXT] [--quick] [--rounds 5]
    [--threads N] [--out DIR]

The contenders of a row take turns in rounds (fewer than asked for where a call takes long), on the
same number of threads; times are medians over the rounds, ratios medians of the ratios within a
round. `limit` and `of float32` are shares
of the machine's speed: multiply-adds counted once per unordered pair of samples, over the rate of
the fastest library float32 matrix product in the same rounds (`of bfloat16`: of torch's product in
bfloat16, where the processor has it). `memory` is what one call adds to the peak of a fresh
process; allowed is one packed copy of the inputs and 64 MiB. A neighbour answer of ours is the
share of sampled rows that differ from float64 (0 is asked), a peer's the share of neighbours that
differ from ours; a score's is its difference from ours.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import contests
import machine
import report
from contest import Contest
from measure import measure

QUICK_ROUNDS = 2


def context(threads: int, rounds: int) -> dict[str, Any]:
    peers = {
        contender.peer.name: contender.peer
        for contest in contests.CONTESTS
        for contender in contest.contenders
    }
    return {
        "date": datetime.date.today().isoformat(),
        "processor": machine.processor(),
        "processors": machine.processors_allowed(),
        "threads": threads,
        "rounds": rounds,
        "python": platform.python_version(),
        "numpy": metadata.version("numpy"),
        "contenders": {
            name: {
                "distribution": peer.distribution,
                "version": peer.version(),
                "computes": peer.computes,
            }
            for name, peer in peers.items()
        },
    }


def chosen(options: argparse.Namespace) -> list[Contest]:
    return [
        contest
        for contest in contests.CONTESTS
        if options.only in (None, contest.section)
        and options.contest in contest.key
        and (contest.quick or not options.quick)
    ]


def result_path(options: argparse.Namespace, facts: dict[str, Any]) -> Path:
    """What a run left out is in the name, so that it does not replace a whole one."""
    parts = [facts["date"], facts["processor"], options.only or "", options.contest]
    parts.append("quick" if options.quick else "")
    words = re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-")
    return options.out / f"{words}.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=contests.SECTIONS, help="one table")
    parser.add_argument("--contest", default="", help="only contests whose key has this in it")
    parser.add_argument("--quick", action="store_true", help="few rounds, no large sizes")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=machine.processors_allowed())
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results"))
    options = parser.parse_args()
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else 5)

    facts = context(options.threads, rounds)
    results = []
    for contest in chosen(options):
        print(f"{contest.section}: {contest.key} ...", file=sys.stderr, flush=True)
        results.append(measure(contest, rounds, options.threads))
    path = result_path(options, facts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**facts, "contests": results}, indent=1) + "\n")

    print(f"\n{facts['processor']}, {options.threads} threads; medians of {rounds} rounds")
    for section in contests.SECTIONS:
        rows = [result for result in results if result["section"] == section]
        if rows:
            print(f"\n{report.TITLES[section]}\n\n{report.TABLES[section](rows)}")
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
