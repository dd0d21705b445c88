"""The conformance table as a document in markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from cases import Case
from definitions import Metric
from report import table
from verdicts import OUR_TOLERANCE, RIGHT, TOLERANCES

Row = dict[str, Any]

INTRODUCTION = """\
# Conformance

What libraries for the similarity of representations say about the same inputs, beside
`mmkernels` and beside the truth: the definition computed in float64 by `mmkernels.reference`.
Made by `make conformance` on {date} with Python {python}; {versions}. Each library ran in an
environment of its own, with the packages just named wherever it allows them. `reference.` stands
for `mmkernels.reference.`; k is 10 unless a case says otherwise.

A number of theirs **agrees** if it is within {float64:g} of the truth where the code computes in
float64, and within {float32:g} where it computes in float32 or less; one of ours if it is within
{ours:g}, whatever the type of the input. Where there is no true number, code that raises an error
**refuses**, which is right, as is a NaN; a number is then **made up**. Reasons are in our words,
from the source of the version that ran. A different definition under the same name is not a bug:
it is a reason why numbers of two papers cannot be compared.
"""


def document(result: Row, every: Sequence[Case], metrics: Sequence[Metric]) -> str:
    hard = [case for case in every if case.metrics]
    ordinary = [case for case in every if not case.metrics]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    parts = [
        INTRODUCTION.format(
            date=result["date"],
            python=result["python"],
            versions=versions,
            ours=OUR_TOLERANCE,
            **TOLERANCES,
        ),
        "## Libraries\n",
        libraries(result["libraries"], result["answers"]),
        "\n## Ordinary data\n",
        "A and B are views of the same eight factors, C is independent of them; 256 unit rows of "
        "16, 24\nand 24 features. Differences are the largest over both pairs.\n",
        agreement(result["answers"], ordinary, metrics),
        "\n## Hard data\n",
        behaviour(result["answers"], hard, metrics),
    ]
    return "\n".join(parts) + "\n"


def libraries(found: Iterable[Row], answers: Sequence[Row]) -> str:
    heads = ["library", "version", "from", "remark", "right", "of"]
    rows = []
    for library in found:
        own = [line["verdict"] in RIGHT for line in answers if line["library"] == library["name"]]
        remark = "; ".join(cell(text) for text in (library["problem"], library["remark"]) if text)
        counts = [str(sum(own)), str(len(own))] if own else ["", ""]
        rows.append([library["name"], library["version"] or "", library["from"], remark, *counts])
    return table(heads, rows, texts=4)


def agreement(answers: Sequence[Row], ordinary: Sequence[Case], metrics: Sequence[Metric]) -> str:
    """Every metric: the truth, ours, and one row for every way in which a library has it."""
    heads = ["metric", "library", "call", "verdict", "A, B", "A, C", "float64", "float32"]
    names = [case.name for case in ordinary]
    rows = []
    for metric in metrics:
        own = [line for line in answers if line["metric"] == metric.name and line["case"] in names]
        label = f"**{metric.name}**: {metric.definition}"
        for lines in by_call(own):
            rows.append([label, *agreement_cells(lines)])
            label = ""
    return table(heads, rows, texts=4)


def by_call(lines: Iterable[Row]) -> list[list[Row]]:
    """In the order of first appearance."""
    found: dict[tuple[str, str], list[Row]] = {}
    for line in lines:
        found.setdefault((line["library"], line["call"]), []).append(line)
    return list(found.values())


def agreement_cells(lines: Sequence[Row]) -> list[str]:
    """Library, call, verdict, the numbers of both pairs in float64, the largest differences."""
    at = {line["case"]: line for line in lines}
    numbers = [number(at[f"{pair}-float64"]) for pair in ("A-B", "A-C")]
    largest = []
    for dtype in ("float64", "float32"):
        off = [at[f"{pair}-{dtype}"].get("difference") for pair in ("A-B", "A-C")]
        largest.append("" if None in off else f"{max(map(abs, off)):.0e}")
    first = lines[0]
    return [first["library"], f"`{first['call']}`", overall(lines), *numbers, *largest]


def overall(lines: Sequence[Row]) -> str:
    """What all lines say, or what those say that are not right."""
    if "verdict" not in lines[0]:
        return ""
    wrong = [line for line in lines if line["verdict"] not in RIGHT]
    said = dict.fromkeys(verdict(line) for line in wrong or lines[:1])
    text = "; ".join(said)
    if wrong and len(wrong) < len(lines):
        text += f" ({', '.join(line['case'] for line in wrong)})"
    return text


def verdict(line: Row) -> str:
    text = line["verdict"]
    if "raised" in line:
        text += f": `{cell(line['raised'], 100)}`"
    return f"{text}: {line['reason']}" if "reason" in line else text


def behaviour(answers: Sequence[Row], hard: Sequence[Case], metrics: Sequence[Metric]) -> str:
    """A table for every case."""
    order = [metric.name for metric in metrics]
    parts = []
    for case in hard:
        own = sorted(
            (line for line in answers if line["case"] == case.name),
            key=lambda line: order.index(line["metric"]),
        )
        rows = []
        for name, lines in groupby(own, key=lambda line: line["metric"]):
            for line in lines:
                off = f"{line['difference']:+.0e}" if "difference" in line else ""
                call = f"`{line['call']}`"
                said = verdict(line) if "verdict" in line else ""
                rows.append([name, line["library"], call, said, number(line), off])
                name = ""
        undefined = f" There is no true number: {case.undefined}." if case.undefined else ""
        parts.append(f"### {case.name}\n\n{case.what[0].upper()}{case.what[1:]}.{undefined}\n")
        parts.append(
            table(["metric", "library", "call", "verdict", "number", "off by"], rows, texts=4)
        )
        parts.append("")
    return "\n".join(parts).rstrip()


def number(line: Row) -> str:
    value = line.get("value")
    return "" if value is None else f"{value:.6f}" if isinstance(value, float) else value


def cell(text: str, length: int = 160) -> str:
    """One line that cannot end a cell of a table."""
    line = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
    return line if len(line) <= length else line[: length - 3] + "..."
