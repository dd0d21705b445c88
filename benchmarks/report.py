"""The tables as markdown: numbers right-aligned, what is missing or failed keeps its row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: int) -> str:
    """The first `texts` columns are words."""
    lines = [heads, [":--"] * texts + ["--:"] * (len(heads) - texts), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.1f}" if seconds < 10 else f"{1e3 * seconds:.0f}"


def mebibytes(contender: Row) -> str:
    return "not known here" if contender["peak_mib"] is None else f"{contender['peak_mib']:.0f}"


def shares(contender: Row) -> list[str]:
    found = contender["share_of_limit"]
    return [f"{found[name]:.0%}" if name in found else "" for name in ("float32", "bfloat16")]


def answer(contender: Row) -> str:
    """How a contender's answer compares with what it is held against."""
    if "agrees" not in contender:
        return "not compared"
    verdict = "" if contender["agrees"] else ": NOT THE SAME"
    return f"{contender['difference']:+.1e}{verdict}"


def peers(results: list[Row]) -> str:
    """One row per contender; ratios are to ours."""
    heads = ["operation", "contender", "n", "time, ms", "ratio", "memory, MiB", "limit"]
    heads.append("difference")
    rows = []
    for result in results:
        for contender in result["contenders"]:
            start = [result["what"], contender["name"], f"{result['n']:,}"]
            if "missing" in contender:
                rows.append([*start, contender["missing"], *[""] * 4])
                continue
            rows.append(
                [
                    *start,
                    milliseconds(contender["seconds"]),
                    f"{contender['seconds'] / result['contenders'][0]['seconds']:.2f}",
                    mebibytes(contender),
                    shares(contender)[0],
                    answer(contender),
                ]
            )
        if "failed" in result:
            rows.append([result["what"], result["failed"], f"{result['n']:,}", *[""] * 5])
    return table(heads, rows, texts=2)


def asked(result: Row) -> str:
    wanted = result["asked"]
    text = f"{'at most' if wanted['at_most'] else 'at least'} {wanted['ratio']:g}"
    return text + (f", limit {wanted['share']:.0%}" if wanted["share"] else "")


def met(result: Row) -> str:
    if "ratio" not in result:
        return "not known"
    return "no: " + ", ".join(result["unmet"]) if result["unmet"] else "yes"


def engine(results: list[Row]) -> str:
    """One row per contest. A ratio is the median over rounds, with its lowest and highest."""
    heads = ["what", "against", "instructions", "n", "D", "k", "ours, ms", "theirs, ms", "ratio"]
    heads += ["asked", "met", "of float32", "of bfloat16"]
    heads += ["ours, MiB (allowed)", "theirs, MiB", "our answer", "their answer"]
    rows = []
    for result in results:
        size = [f"{result['n']:,}", str(result["d"]), str(result["k"] or "")]
        if "failed" in result:
            failure = [result["what"], result["failed"], "", *size]
            rows.append(failure + [""] * (len(heads) - len(failure)))
            continue
        ours, theirs = result["contenders"]
        absent = "missing" in theirs
        ratio = ""
        if "ratio" in result:
            spread = f"{result['ratio_lowest']:.2f} to {result['ratio_highest']:.2f}"
            ratio = f"{result['ratio']:.2f} ({spread})"
        rows.append(
            [
                result["what"],
                theirs["missing"] if absent else theirs["name"],
                result["instruction_set"],
                *size,
                milliseconds(ours["seconds"]),
                "" if absent else milliseconds(theirs["seconds"]),
                ratio,
                asked(result),
                met(result),
                *shares(ours),
                f"{mebibytes(ours)} ({result['allowed_mib']:.0f})",
                "" if absent else mebibytes(theirs),
                answer(ours) if "agrees" in ours else "",
                "" if absent else answer(theirs),
            ]
        )
    return table(heads, rows, texts=3)


def growth(results: list[Row]) -> str:
    """Time over n^2 D beside that of the smallest n."""
    heads = ["what", "n", "D", "k", "time, s", "time / (n^2 D), ps", "to the first", "of float32"]
    heads += ["of bfloat16", "memory, MiB (allowed)", "answer"]
    rows = []
    first = None
    for result in results:
        size = [f"{result['n']:,}", str(result["d"]), str(result["k"])]
        if "failed" in result:
            rows.append([f"{result['what']}: {result['failed']}", *size, *[""] * 7])
            continue
        (ours,) = result["contenders"]
        cost = 1e12 * ours["seconds"] / (result["n"] ** 2 * result["d"])
        first = first or cost
        rows.append(
            [
                result["what"],
                *size,
                f"{ours['seconds']:.2f}",
                f"{cost:.2f}",
                f"{cost / first:.2f}",
                *shares(ours),
                f"{mebibytes(ours)} ({result['allowed_mib']:.0f})",
                answer(ours),
            ]
        )
    return table(heads, rows, texts=1)


TABLES = {"peers": peers, "engine": engine, "growth": growth}
TITLES = {
    "peers": "Whole scores beside other libraries",
    "engine": "The engine beside what is asked of it",
    "growth": "Growth with the number of samples",
}
