"""The conformance table as a document in markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from cases import DTYPES, PAIRS, Case
from definitions import Metric
from report import table
from verdicts import OUR_TOLERANCE, RIGHT, TOLERANCES

Row = dict[str, Any]

INTRODUCTION = """\
# Conformance

What libraries for the similarity of representations say about the same inputs, beside
`mmkernels` and beside the truth: the definition, in float64, by `mmkernels.reference`.

{made}

- A number **agrees** if it is within {float64:g} of the truth where the code computes in float64,
  within {float32:g} where it computes in float32 or less; one of ours if it is within {ours:g},
  whatever the type of the input. Otherwise it **differs**.
- Where there is no true number, code that raises an error **refuses**, and it may also **say NaN**:
  both are right. Code that answers with a number **makes it up**.
- Reasons are in our words, from the source of the version that ran. Another definition under the
  same name is no bug; it is why the numbers of two papers cannot be compared.
"""

MADE = (
    "Made by `make conformance` on {date} with Python {python}, {versions}. Each library ran in an "
    "environment of its own, with these packages wherever it allows them. Random numbers that a "
    "library draws start from the same seed at every call. k is 10 unless a case says otherwise."
)


def document(result: Row, every: Sequence[Case], metrics: Sequence[Metric]) -> str:
    hard = [case for case in every if case.metrics]
    ordinary = [case for case in every if not case.metrics]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    made = MADE.format(date=result["date"], python=result["python"], versions=versions)
    parts = [
        INTRODUCTION.format(made=textwrap.fill(made, 100), ours=OUR_TOLERANCE, **TOLERANCES),
        "## Libraries\n",
        "How many of the answers of a library are right:\n",
        libraries(result["libraries"], result["answers"], hard),
        "\n## Ordinary data\n",
        "A and B are views of the same eight factors, C is independent of them: 256 unit rows of "
        "16, 24 and\n24 features. Both pairs were asked in float64 and in float32; numbers are "
        "those of float64\nwhere there are any; *off* is the larger difference of the two pairs.\n",
        agreement(result["answers"], ordinary, metrics),
        "\n## Hard data\n",
        behaviour(result["answers"], hard, metrics),
    ]
    return "\n".join(parts) + "\n"


def libraries(found: Iterable[Row], answers: Sequence[Row], hard: Sequence[Case]) -> str:
    """How many answers of how many are right."""
    heads = ["library", "version", "from", "remark", "ordinary", "hard"]
    names = [case.name for case in hard]
    rows = []
    for library in found:
        own = [line for line in answers if line["library"] == library["name"]]
        kinds = [
            [line["verdict"] in RIGHT for line in own if (line["case"] in names) == is_hard]
            for is_hard in (False, True)
        ]
        counts = [f"{sum(kind)} of {len(kind)}" if kind else "" for kind in kinds]
        remark = "; ".join(
            quoted(text, 160) for text in (library["problem"], library["remark"]) if text
        )
        rows.append([library["name"], library["version"] or "", library["from"], remark, *counts])
    return markdown(heads, rows)


def agreement(answers: Sequence[Row], ordinary: Sequence[Case], metrics: Sequence[Metric]) -> str:
    """Every metric: the truth, ours, and one row for every way in which a library has it."""
    heads = ["metric", "library", "call", "verdict", "A, B", "A, C"]
    heads += [f"off, {dtype}" for dtype in DTYPES]
    names = [case.name for case in ordinary]
    rows = []
    for metric in metrics:
        own = [line for line in answers if line["metric"] == metric.name and line["case"] in names]
        label = f"**{metric.name}**: {metric.definition}"
        for lines in by_call(own):
            rows.append([label, *agreement_cells({line["case"]: line for line in lines})])
            label = ""
    return markdown(heads, rows)


def by_call(lines: Iterable[Row]) -> list[list[Row]]:
    """In the order of first appearance."""
    found: dict[tuple[str, str], list[Row]] = {}
    for line in lines:
        found.setdefault((line["library"], line["call"]), []).append(line)
    return list(found.values())


def agreement_cells(at: Mapping[str, Row]) -> list[str]:
    """Library, call, verdict, the number of each pair, the largest difference in each type."""
    first = next(iter(at.values()))
    numbers = [
        next(filter(None, (number(at[f"{pair}-{dtype}"]) for dtype in DTYPES)), "")
        for pair in PAIRS
    ]
    largest = []
    for dtype in DTYPES:
        off = [at[f"{pair}-{dtype}"].get("difference") for pair in PAIRS]
        largest.append("" if None in off else f"{max(map(abs, off)):.0e}")
    return [first["library"], f"`{first['call']}`", overall(at), *numbers, *largest]


def overall(at: Mapping[str, Row]) -> str:
    """What is said of all cases, or what is wrong and where."""
    where: dict[str, list[str]] = {}
    for case, line in at.items():
        if line.get("verdict", RIGHT[0]) not in RIGHT:
            where.setdefault(verdict(line), []).append(case)
    if not where:
        return next(iter(at.values())).get("verdict", "")
    return "; ".join(
        said if len(cases) == len(at) else f"{said} ({places(cases)})"
        for said, cases in where.items()
    )


def places(cases: Sequence[str]) -> str:
    """ "A-B-float64, A-C-float64" is "float64"."""
    text = ", ".join(cases)
    for dtype in DTYPES:
        text = text.replace(", ".join(f"{pair}-{dtype}" for pair in PAIRS), dtype)
    return text


def verdict(line: Row) -> str:
    text = line["verdict"]
    if "raised" in line:
        text += f": `{quoted(line['raised'], 100)}`"
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
        parts.append(markdown(["metric", "library", "call", "verdict", "number", "off by"], rows))
        parts.append("")
    return "\n".join(parts).rstrip()


def number(line: Row) -> str:
    value = line.get("value")
    return "" if value is None else f"{value:.6f}" if isinstance(value, float) else value


def quoted(text: str, length: int) -> str:
    """What somebody else's program said, on one line."""
    line = " ".join(text.replace("`", "'").split())
    return line if len(line) <= length else line[: length - 3] + "..."


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first four columns are words; a bar in a cell does not end it."""
    return table(heads, ([text.replace("|", "\\|") for text in row] for row in rows), texts=4)
