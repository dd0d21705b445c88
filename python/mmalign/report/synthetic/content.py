"""The words and tables that every report of a synthetic study has."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from ...analysis.labels import decimal, joined
from ...analysis.synthetic import SyntheticResults
from ...analysis.synthetic.checks import CEILING, TOLERANCE, VALIDATION
from ...analysis.synthetic.labels import metric_name, task_name
from ...analysis.synthetic.wording import level_names
from ..content import duration
from .marks import D_PHI, level


def facts(results: SyntheticResults) -> list[tuple[str, str]]:
    """What was run, as terms and their text."""
    study, encoders, alignments = results.study, results.encoders, results.alignments
    second = encoders[encoders["view"] == 2]
    told = [
        ("Study", f"{study['name']}, preset {study['preset']}"),
        ("Tasks", joined([task_name(task) for task in pd.unique(encoders["task"])])),
        ("Uniqueness", level_names(sorted(int(one) for one in encoders["uniqueness"].unique()))),
        (
            "Heterogeneity",
            level_names(sorted(int(one) for one in second["transform_depth"].unique())).replace(
                "U", D_PHI
            ),
        ),
    ]
    for view, own in encoders.groupby("view"):
        told.append((f"Encoders of view {view}", _recipe(own)))
    told.append(("Seeds", str(encoders["seed"].nunique())))
    metrics = dict.fromkeys(zip(alignments["metric"], alignments["options"], strict=True))
    if metrics:
        samples = joined([_count(n) for n in sorted(alignments["n"].unique())]) + " test samples"
        if study["permutations"]:
            samples += f", against {study['permutations']} permutations"
        names = "; ".join(f"{metric_name(*metric)}{_details(metric[1])}" for metric in metrics)
        told.append(("Alignment", f"{names}; on {samples}"))
    drawn = sorted({grid["settings"]["samples"] for grid in study["grids"]})
    told.append(
        ("Samples", f"{joined([_count(n) for n in drawn])} drawn, 15% of them for the test")
    )
    told.append(
        ("Results", f"{_count(len(encoders))} encoders, {_count(len(alignments))} alignments")
    )
    told.append(("Time", duration(results.elapsed_seconds)))
    versions = study.get("versions", {})
    if versions:
        told.append(("Versions", ", ".join(f"{name} {versions[name]}" for name in versions)))
    return told


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _recipe(own: pd.DataFrame) -> str:
    depths = level_names(sorted(int(one) for one in own["depth"].unique())).split("=")[1].strip()
    text = f"depth {depths}"
    for column, words in (
        ("epochs", "{} epochs"),
        ("learning_rate", "learning rate {}"),
        ("weight_decay", "weight decay {}"),
    ):
        values = joined([f"{value:g}" for value in sorted(own[column].unique())])
        text += ", " + words.format(values)
    return text


def _details(options: str) -> str:
    values = {name: value for name, value in json.loads(options or "{}").items() if value}
    words = [f"{name} {value}" for name, value in values.items() if name not in ("k", "kernel")]
    return f" ({', '.join(words)})" if words else ""


def check_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a U: mean validation accuracy of each view, published, and the difference."""
    rows = table[table["question"] == VALIDATION]
    lines = []
    for uniqueness, own in rows.groupby("uniqueness"):
        cells, cases = [], []
        for view in (1, 2):
            row = own[own["statistic"] == f"view_{view}"]
            if row.empty:
                cells += ["–"] * 3
                continue
            row = row.iloc[0]
            cells += [
                _percent(row["value"]),
                _percent(row["published"]),
                _points(row["difference"]),
            ]
            cases.append(f"{row['n']} of 7")
        lines.append(
            {
                "place": level("U", int(uniqueness)),
                "numbers": cells,
                "cases": joined(list(dict.fromkeys(cases))),
                "far": bool((own["difference"].abs() > TOLERANCE).any()),
            }
        )
    return lines


def ceiling_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a task and view: the encoder that lies highest over its ceiling."""
    return [
        {
            "task": task_name(row["task"]),
            "view": str(row["statistic"]).replace("_", " "),
            "encoders": row["n"],
            "place": level("U", int(row["uniqueness"])),
            "excess": f"{row['value']:.1f}".replace("-", "−"),
            "allowed": f"{row['high']:.1f}",
        }
        for _, row in table[table["question"] == CEILING].iterrows()
    ]


def truth_sentence(ground_truth: pd.DataFrame) -> str:
    """What takes the place of redundancy as U grows, in numbers, for each task."""
    sentences = []
    for task, rows in ground_truth.groupby("task", sort=False):
        rows = rows.sort_values("uniqueness")
        if len(rows) < 2:
            continue
        unique = rows["pid_unique_1"] + rows["pid_unique_2"]
        change = [
            one.iloc[-1] - one.iloc[0]
            for one in (rows["pid_redundancy"], rows["pid_synergy"], unique)
        ]
        first, last = rows["uniqueness"].iloc[[0, -1]]
        sentences.append(
            f"From {level('U', int(first))} to {int(last)}, with {task_name(str(task))}, "
            f"redundancy changes by {_nats(change[0])} nats, synergy by "
            f"{_nats(change[1])} and what is unique by {_nats(change[2])}."
        )
    return " ".join(sentences)


def truth_rows(ground_truth: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a task and U: exact information (nats) and ceilings."""
    columns = [
        "mi_1", "mi_2", "mi_joint", "co_information",
        "pid_redundancy", "pid_unique_1", "pid_unique_2", "pid_synergy",
    ]  # fmt: skip
    return [
        {
            "task": task_name(row["task"]),
            "place": level("U", int(row["uniqueness"])),
            "numbers": [_nats(row[column]) for column in columns]
            + [_percent(row[name]) for name in ("bayes_1", "bayes_2", "bayes_joint")],
        }
        for _, rows in ground_truth.groupby("task", sort=False)
        for _, row in rows.sort_values("uniqueness").iterrows()
    ]


def _nats(value: float) -> str:
    # What would round to zero is shown as zero, not with all the digits that decimal() looks for.
    return decimal(value if abs(value) >= 5e-4 else 0.0, 3)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if np.isfinite(share) else "–"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−") if np.isfinite(share) else "–"
