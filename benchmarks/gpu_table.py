"""Times mmkernels on a CUDA device beside its peers and prints the table in markdown.

python benchmarks/gpu_table.py [--seconds 240] [--only TEXT] [--out DIR] [--checks FILE]
python benchmarks/gpu_table.py --show [RESULT.json]   prints what a run wrote, or the empty table

Contests are run in the order of their importance until time is up; the rest says "not measured".
Times are medians of calls timed by the device's events, after one that is not timed. TFLOP/s count
each unordered pair of samples once, also for those who multiply twice; linear CKA counts pairs of
features. An answer of neighbours is the share of listed neighbours of 32 rows that float64 does not
have among its k best; of a score, its difference from float64.

Exits with 1 where an answer of ours is wrong, with 3 where there is no CUDA device.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import re
import sys
from pathlib import Path
from typing import Any

from gpu import contests, report
from gpu.budget import Budget
from gpu.process import Worker

HERE = Path(__file__).resolve().parent
NO_DEVICE = 3
# The start of a process, its libraries and its context.
START_SECONDS = 60
RATE_SECONDS = 30
TUNING_SECONDS = 40
# Of a contender's limit, what its timed calls may take; the rest is for inputs and answers.
TIMED_SHARE = 0.15
REHEARSAL_DIVISOR = 256


def run(worker: Worker, chosen: list[contests.Contest], budget: Budget) -> dict[str, Any]:
    facts = worker.ask({"what": "facts"}, START_SECONDS)
    if "failed" in facts:
        sys.exit(f"The process that measures does not start: {facts['failed']}")
    tilings = worker.ask({"what": "tune"}, budget.grant(TUNING_SECONDS, 1) or 1)
    rates = [worker.ask({"what": "rate"}, RATE_SECONDS)]
    results = report.unmeasured(chosen)
    for contest, result in zip(chosen, results, strict=True):
        for contender in result["contenders"]:
            grant = budget.grant(contest.limit_seconds, contest.least_seconds)
            if grant is None:
                contender["missing"] = "no time was left"
                continue
            print(f"{contest.key}: {contender['name']} ...", file=sys.stderr, flush=True)
            question = {"what": "measure", "key": contest.key, "name": contender["name"]}
            reply = worker.ask({**question, "limit": TIMED_SHARE * grant}, grant)
            contender.pop("missing")
            contender.update(reply)
    rates.append(worker.ask({"what": "rate"}, RATE_SECONDS))
    known = [rate["flop_per_second"] for rate in rates if "flop_per_second" in rate]
    return {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        **facts,
        "cublas_flop_per_second": max(known) if known else None,
        "cublas_flop_per_second_samples": known,
        "tilings": tilings,
        "contests": results,
    }


def read_checks(path: Path | None) -> dict[str, str]:
    """Lines of a name, a tab and what came of it."""
    if not path or not path.exists():
        return {}
    lines = path.read_text().splitlines()
    return dict(line.split("\t", 1) for line in lines if "\t" in line)


def result_path(out: Path, found: dict[str, Any], only: str) -> Path:
    words = f"{found['date']} {found.get('device', '')} gpu {only}".lower()
    return out / f"{re.sub(r'[^a-z0-9]+', '-', words).strip('-')}.json"


def has_device() -> bool:
    import torch

    return torch.cuda.is_available()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=240, help="of the whole table")
    parser.add_argument("--only", default="", help="contests whose key has this in it")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--checks", type=Path, help="what gpu.sh ran before, for the record")
    parser.add_argument("--show", nargs="?", const="", metavar="RESULT.json")
    parser.add_argument(
        "--rehearse", action="store_true", help="tiny, on the CPU: the program, not its numbers"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    chosen = [contest for contest in contests.CONTESTS if options.only in contest.key]
    if options.show is not None:
        empty = {"contests": report.unmeasured(chosen)}
        print(report.render(json.loads(Path(options.show).read_text()) if options.show else empty))
        return 0
    if not options.rehearse and not has_device():
        print("torch sees no CUDA device: nothing is measured.", file=sys.stderr)
        return NO_DEVICE
    device, divisor = ("cpu", REHEARSAL_DIVISOR) if options.rehearse else ("cuda", 1)
    command = [sys.executable, str(HERE / "gpu_worker.py"), device, str(divisor)]
    with Worker(command) as worker:
        found = run(worker, chosen, Budget(options.seconds))
    found["checks"] = read_checks(options.checks)
    if options.rehearse:
        print(f"A rehearsal: sizes are divided by {divisor}, and the numbers mean nothing.")
    print(report.render(found))
    if not options.rehearse:
        path = result_path(options.out, found, options.only)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n")
        print(f"\nwritten to {path}")
    failures = report.wrong(found["contests"])
    print(*failures, sep="\n", file=sys.stderr, end="\n" if failures else "")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
