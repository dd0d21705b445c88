"""Times mmkernels beside its peers and prints one markdown table.

python benchmarks/table.py [--sizes 1024,4096,8192] [--rounds 5] [--threads N] [--out DIR]

All contenders run in one process, in turns, on the same number of threads; times are medians over
the rounds and ratios are to mmkernels. `limit` is the share of the machine's speed: multiply-adds
counted once per unordered pair of samples, over the rate of the fastest library float32 matrix
product in the same run. `memory` is what one call adds to the peak of a fresh process.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import re
import sys
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import machine
import numpy as np
import timing
from peers import OURS, PEERS
from peers.problem import (
    FEATURES,
    NEIGHBORS,
    OPERATIONS,
    SIGMA,
    TOLERANCE,
    features,
    multiply_adds,
)


def measure(operation: str, n: int, rounds: int, threads: int) -> list[dict[str, Any]]:
    """One row per contender; library matrix products take their turn in the same rounds."""
    x, y = features(n)
    peers = [peer for peer in PEERS if operation in peer.operations]
    installed = [peer for peer in peers if peer.version()]
    answers = {peer.name: peer.operations[operation](x, y) for peer in installed}
    calls = {peer.name: partial(peer.operations[operation], x, y) for peer in installed}
    products = timing.library_products()
    samples = timing.interleaved({**calls, **products}, rounds)
    rates = {name: timing.PRODUCT_SIZE**3 / median(samples[name]) for name in products}
    ours = median(samples[OURS.name])
    rows = []
    for peer in peers:
        row: dict[str, Any] = {"operation": operation, "n": n, "contender": peer.name}
        rows.append(row)
        if peer not in installed:
            row["missing"] = f"{peer.distribution} is not installed"
            continue
        seconds = median(samples[peer.name])
        row["seconds"] = seconds
        row["samples"] = samples[peer.name]
        row["ratio"] = seconds / ours
        row["share_of_limit"] = multiply_adds(operation, n) / seconds / max(rates.values())
        row["multiply_adds_per_second_of_library_products"] = rates
        if machine.peak_memory_is_known():
            row["peak_mib"] = timing.peak_memory(peer.name, operation, n, threads)
        row["score"] = answers[peer.name]
        row["difference"] = answers[peer.name] - answers[OURS.name]
        row["agrees"] = abs(row["difference"]) <= TOLERANCE[operation]
    return rows


def pin_threads(count: int) -> None:
    """The same number of threads for every library that is here."""
    for peer in PEERS:
        if peer.version():
            peer.set_threads(count)
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        sys.exit("threadpoolctl is needed to give numpy the same number of threads as the others.")
    threadpool_limits(count)


def markdown(rows: list[dict[str, Any]]) -> str:
    """Right-aligned numbers; a missing peer keeps its row."""
    lines = [
        "| operation | n | contender | time, ms | ratio | memory, MiB | limit | difference |",
        "|:--|--:|:--|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        cells = [row["operation"], str(row["n"]), row["contender"]]
        if "missing" in row:
            cells += [row["missing"], "", "", "", ""]
        else:
            memory = f"{row['peak_mib']:.0f}" if "peak_mib" in row else "not known here"
            difference = f"{row['difference']:+.1e}" if row["contender"] != OURS.name else ""
            if not row["agrees"]:
                difference += ": not the same quantity"
            cells += [
                f"{1e3 * row['seconds']:.1f}",
                f"{row['ratio']:.2f}",
                memory,
                f"{row['share_of_limit']:.0%}",
                difference,
            ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def context(threads: int, rounds: int) -> dict[str, Any]:
    import mmkernels

    return {
        "date": datetime.date.today().isoformat(),
        "processor": machine.processor(),
        "processors": machine.processors_allowed(),
        "threads": threads,
        "instruction_set": mmkernels.instruction_set(),
        "rounds": rounds,
        "features": FEATURES,
        "neighbors": NEIGHBORS,
        "sigma": SIGMA,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "contenders": {
            peer.name: {
                "distribution": peer.distribution,
                "version": peer.version(),
                "computes": peer.computes,
            }
            for peer in PEERS
        },
    }


def result_path(directory: Path, facts: dict[str, Any]) -> Path:
    name = re.sub(r"[^a-z0-9]+", "-", facts["processor"].lower()).strip("-")
    return directory / f"{facts['date']}-{name}.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1024,4096,8192", help="numbers of samples")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=machine.processors_allowed())
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results"))
    options = parser.parse_args()

    pin_threads(options.threads)
    facts = context(options.threads, options.rounds)
    rows = []
    for operation in OPERATIONS:
        for size in options.sizes.split(","):
            print(f"{operation}, n = {size} ...", file=sys.stderr, flush=True)
            rows += measure(operation, int(size), options.rounds, options.threads)
    path = result_path(options.out, facts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")

    print(
        f"\n{facts['processor']}, {options.threads} threads, {facts['instruction_set']}; ", end=""
    )
    print(f"d = {FEATURES}, float32, k = {NEIGHBORS}, medians of {options.rounds} rounds\n")
    print(markdown(rows))
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
