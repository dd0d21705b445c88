"""Runs every library that can be had on the same inputs and writes what each says, and why.

python benchmarks/conformance.py [--only NAME ...] [--checkout NAME=PATH ...] [--platonic PATH]
    [--environments DIR] [--document FILE] [--results DIR]

Each library runs in a process and an environment of its own, made from pinned requirements and
kept below --environments. One that only a repository has needs --checkout NAME=PATH, a clone of it
(--platonic PATH is short for --checkout platonic-rep=PATH). With --only nothing is written.

Ends with an error if `mmkernels` lacks a metric of the table or is not the truth, if a wrong
number has no reason beside its adapter, or if a reason has no wrong number.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import platform
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import cases
import conformance_report
import machine
from cases import Case
from conformance_peers import PEERS, Peer
from definitions import METRICS, Metric
from peer_process import Asked, ask
from verdicts import OUR_TOLERANCE, RIGHT, Answer, judge, tolerance

ROOT = Path(__file__).resolve().parent.parent
OURS, TRUTH = "mmkernels", "float64 reference"
LENT = ("numpy", "scipy", "scikit-learn", "torch")
Row = dict[str, Any]


def own_answer(ask: Callable[..., float], module: ModuleType, case: Case) -> Answer:
    """Of `Metric.ours` or `Metric.truth`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Answer(ask(module, case.x, case.y, **case.options))
        except Exception as error:
            return Answer(raised=f"{type(error).__name__}: {str(error).splitlines()[0]}")


def row(case: Case, metric: str, library: str, spelled: str, answer: Answer) -> Row:
    """Numbers that are not finite as text: JSON has none."""
    found: Row = {"case": case.name, "metric": metric, "library": library, "call": spelled}
    if answer.raised:
        return {**found, "raised": answer.raised}
    return {**found, "value": answer.value if math.isfinite(answer.value) else str(answer.value)}


def judged(found: Row, answer: Answer, truth: Answer | None, within: float) -> Row:
    known = None if truth is None else truth.value
    verdict = judge(answer, known, within)
    if known is not None and not answer.raised and math.isfinite(answer.value - known):
        found["difference"] = answer.value - known
    return {**found, "verdict": verdict}


def own_rows(
    asked: Iterable[Case], metrics: Sequence[Metric], ours: ModuleType, reference: ModuleType
) -> tuple[list[Row], dict[tuple[str, str], Answer | None]]:
    """What the reference and we say, and the truth of every case and metric, None where none is."""
    rows, truths = [], {}
    for case in asked:
        for metric in (metric for metric in metrics if case.asks(metric.name)):
            truth = None
            if not case.undefined:
                truth = own_answer(metric.truth, reference, case)
                spelled = metric.spelled(f"reference.{metric.function}")
                rows.append(row(case, metric.name, TRUTH, spelled, truth))
            answer = own_answer(metric.ours, ours, case)
            found = row(case, metric.name, OURS, metric.spelled(), answer)
            rows.append(judged(found, answer, truth, OUR_TOLERANCE))
            truths[case.name, metric.name] = truth
    return rows, truths


def peer_rows(found: Asked, truths: dict[tuple[str, str], Answer | None]) -> list[Row]:
    rows = []
    for case, call, answer in found.answers:
        truth = truths[case.name, call.metric]
        within = tolerance(case.x.dtype, call.computes_in)
        line = judged(
            row(case, call.metric, found.peer.name, call.spelled, answer), answer, truth, within
        )
        reason = call.reasons.get("raises") if answer.raised else call.reason(case.kind)
        rows.append(line if line["verdict"] in RIGHT or not reason else {**line, "reason": reason})
    return rows


def failures(rows: Iterable[Row], peers: Iterable[Peer]) -> list[str]:
    """What must not be in a table that is shown: ours wrong, theirs unexplained, reasons unused."""
    found, used = [], set()
    for line in rows:
        where = f"{line['case']}, {line['metric']}"
        said = line.get("raised", line.get("value"))
        if line["library"] == TRUTH and not isinstance(said, float):
            found.append(f"no truth: {where}: {said}")
        elif line["library"] == OURS and line["verdict"] not in RIGHT:
            found.append(f"ours {line['verdict']}: {where}: {said}")
        elif "reason" in line:
            used.add((line["library"], line["metric"], line["call"], line["reason"]))
        elif line.get("verdict") in ("differs", "makes it up") and line["library"] != OURS:
            found.append(f"unexplained: {where}, {line['library']} {line['call']}: {said}")
    for peer in peers:
        for call in peer.calls:
            for case, reason in call.reasons.items():
                if (peer.name, call.metric, call.spelled, reason) not in used:
                    found.append(
                        f"nothing to explain: {peer.name} {call.spelled}, {case}: {reason}"
                    )
    return found


def library(found: Asked) -> Row:
    peer = found.peer
    return {
        "name": peer.name,
        "from": peer.checkout or " ".join(peer.requirements) or "this environment",
        "version": found.version,
        "problem": found.problem,
        "remark": peer.remark,
    }


def ourselves() -> Row:
    version = metadata.version(OURS)
    return {"name": OURS, "from": "here", "version": version, "problem": None, "remark": ""}


def context() -> Row:
    return {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in (OURS, *LENT)},
    }


def as_json(result: Row) -> str:
    """An answer a line, so that a difference between two results shows which."""
    lines = ",\n".join(json.dumps(line, allow_nan=False) for line in result["answers"])
    head = json.dumps({**result, "answers": []}, indent=1)
    return head.replace('"answers": []', f'"answers": [\n{lines}\n]') + "\n"


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [peer.name for peer in PEERS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--checkout", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--platonic", metavar="PATH")
    parser.add_argument("--environments", type=Path, default=ROOT / "build" / "conformance")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "conformance.md")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args(arguments)
    named = [f"platonic-rep={options.platonic}"] * bool(options.platonic) + options.checkout
    options.checkouts = {
        name: Path(path) for name, _, path in (pair.partition("=") for pair in named)
    }
    unknown = set(options.checkouts) - {peer.name for peer in PEERS if peer.checkout}
    if unknown:
        parser.error(f"no library has a checkout called {', '.join(sorted(unknown))}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    import mmkernels
    from mmkernels import reference

    options = parsed(arguments)
    every = (*cases.ordinary(), *cases.hard())
    peers = [peer for peer in PEERS if peer.name in options.only]
    with ThreadPoolExecutor(min(4, machine.processors_allowed())) as pool:
        waiting = [
            pool.submit(ask, peer, every, options.environments, options.checkouts.get(peer.name))
            for peer in peers
        ]
        rows, truths = own_rows(every, METRICS, mmkernels, reference)
        asked = []
        for peer, answer in zip(peers, waiting, strict=True):
            asked.append(answer.result())
            print(f"{peer.name}: {asked[-1].problem or asked[-1].version}", file=sys.stderr)
    for found in asked:
        rows += peer_rows(found, truths)
    result = {**context(), "libraries": [ourselves(), *map(library, asked)], "answers": rows}
    document = conformance_report.document(result, every, METRICS)
    if len(peers) == len(PEERS):
        path = options.results / f"{result['date']}-conformance.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_json(result))
        options.document.write_text(document)
        print(f"written to {options.document} and {path}", file=sys.stderr)
    else:
        print(document)
    wrong = failures(rows, [found.peer for found in asked if not found.problem])
    print(
        "\n".join(["", "NOT CONFORMING:", *wrong] if wrong else ["", "conforming"]), file=sys.stderr
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
