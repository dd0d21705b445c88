"""The table of a device as markdown: what was not measured keeps its row, and says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from report import Row, milliseconds, table

from . import goals, tilings

NOT_MEASURED = "not measured"
HEADS = ["what", "contender", "n", "D", "k", "time, ms", "ratio", "TFLOP/s", "of cuBLAS bf16"]
HEADS += ["memory, MiB", "answer"]


def unmeasured(contests: Iterable[Any]) -> list[Row]:
    """Results of a run that has not begun."""
    return [
        {
            "contest": contest.key,
            "what": contest.what,
            "n": contest.n,
            "d": contest.d,
            "k": contest.k,
            "contenders": [
                {"name": contender.name, "missing": NOT_MEASURED}
                for contender in contest.contenders
            ],
        }
        for contest in contests
    ]


def answer(contender: Row) -> str:
    verdict = "" if contender["agrees"] else ": NOT THE SAME"
    return f"{contender['difference']:.1e}{verdict}"


def rows(results: list[Row], rate: float | None) -> list[list[str]]:
    """`rate` is that of the library's product, in FLOP/s. Ratios are to ours."""
    lines = []
    for result in results:
        size = [f"{result['n']:,}", f"{result['d']:,}", str(result["k"] or "")]
        ours = result["contenders"][0].get("seconds")
        for contender in result["contenders"]:
            start = [result["what"], contender["name"], *size]
            if "seconds" not in contender:
                said = contender.get("failed") or contender["missing"]
                said = said if said == NOT_MEASURED else f"{NOT_MEASURED}: {said}"
                lines.append([*start, said, *[""] * (len(HEADS) - len(start) - 1)])
                continue
            peak, speed = contender["peak_mib"], contender["flop_per_second"]
            lines.append(
                [
                    *start,
                    milliseconds(contender["seconds"]),
                    f"{contender['seconds'] / ours:.2f}" if ours else "",
                    f"{speed / 1e12:.3g}" if speed else "",
                    f"{speed / rate:.0%}" if rate and speed else "",
                    "" if peak is None else f"{peak:.0f}",
                    answer(contender),
                ]
            )
    return lines


def render(run: Row) -> str:
    """Everything that a run found, from what it wrote."""
    rate = run.get("cublas_flop_per_second")
    lines = [f"Device: {run.get('device', 'none')}"]
    known = f"{rate / 1e12:.0f} TFLOP/s" if rate else NOT_MEASURED
    lines.append(f"torch mm, bfloat16, 8192 x 8192 x 8192: {known}")
    lines += [f"{name}: {said}" for name, said in run.get("checks", {}).items()]
    parts = ["\n".join(lines), goals.render(run["contests"])]
    if "tilings" in run:
        said = run["tilings"].get("failed") or run["tilings"].get("missing")
        parts.append(f"tilings: {said}" if said else tilings.render(run["tilings"]))
    return "\n\n".join([*parts, table(HEADS, rows(run["contests"], rate), texts=2)])


def wrong(results: list[Row]) -> list[str]:
    """Answers of ours that are not what they should be, and calls of ours that failed."""
    said = []
    for result in results:
        for contender in result["contenders"]:
            if not contender["name"].startswith("mmkernels"):
                continue
            if "failed" in contender:
                said.append(f"{result['contest']}, {contender['name']}: {contender['failed']}")
            elif not contender.get("agrees", True):
                said.append(f"{result['contest']}, {contender['name']}: {answer(contender)}")
    return said
