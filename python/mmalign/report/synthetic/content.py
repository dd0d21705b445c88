"""The words and tables of a synthetic study's report."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from ...analysis.labels import NO_BREAK, decimal, joined
from ...analysis.synthetic import SyntheticResults
from ...analysis.synthetic.answers import level_names
from ...analysis.synthetic.checks import CEILING, TOLERANCE, VALIDATION
from ...analysis.synthetic.labels import metric_name, task_name
from ...analysis.synthetic.paper import WITH_ARTEFACT
from ...analysis.synthetic.published import ARTEFACT_UNIQUENESS
from ...analysis.synthetic.statistics import (
    ALIGNMENT_DEPTH,
    ALIGNMENT_PERFORMANCE,
    ALIGNMENT_TRANSFORM,
    ALIGNMENT_UNIQUENESS,
    PERFORMANCE_DEPTH,
)
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
        samples = joined(
            [f"{n:,}".replace(",", "\u202f") for n in sorted(alignments["n"].unique())]
        )
        names = "; ".join(f"{metric_name(*metric)}{_details(metric[1])}" for metric in metrics)
        told.append(("Alignment", f"{names}; on {samples} test samples"))
    told.append(("Results", f"{len(encoders)} encoders, {len(alignments)} alignments"))
    told.append(("Time", duration(results.elapsed_seconds)))
    settings = study.get("settings", {})
    if settings:
        told.append(("Settings", ", ".join(f"{name} {_text(settings[name])}" for name in settings)))
    versions = study.get("versions", {})
    if versions:
        told.append(("Versions", ", ".join(f"{name} {versions[name]}" for name in versions)))
    return told


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


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def paper_headline(table: pd.DataFrame) -> str:
    """How close the published correlations came, in one sentence."""
    rows = table[table["difference"].notna() & (table["question"] == ALIGNMENT_UNIQUENESS)]
    rows = rows[rows["statistic"] == "spearman"]
    medians = table[(table["statistic"] == "median_spearman") & table["difference"].notna()]
    clauses = []
    if len(rows):
        ours = rows["value"]
        fell = int((ours < 0).sum())
        clauses.append(
            f"highest alignment falls with U in {fell} of {len(rows)} published correlations "
            f"(Spearman {decimal(ours.min())} to {decimal(ours.max())} here, "
            f"{decimal(rows['published'].min())} to {decimal(rows['published'].max())} published)"
        )
    if len(medians):
        clauses.append(
            f"the {len(medians)} published medians of the correlations between alignment, "
            f"performance and depth are met within {decimal(medians['difference'].abs().mean())} "
            f"on average and {decimal(medians['difference'].abs().max())} at most"
        )
    if not clauses:
        return "This study shares no setting with the published numbers."
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}."


def artefact_note(results: SyntheticResults, table: pd.DataFrame, change: pd.Series) -> str:
    """What the missing ninth value of the published figures did."""
    text = (
        f"The published figures show alignment of exactly 0 at {level('U', ARTEFACT_UNIQUENESS)} "
        "for every metric. The released analysis loops over U from 0 to 7 only, so that the ninth "
        "value keeps its initial zero and enters every correlation with U."
    )
    if ARTEFACT_UNIQUENESS not in set(results.encoders["uniqueness"]):
        return f"{text} This study has no U{NO_BREAK}={NO_BREAK}8."
    rows = table[
        (table["question"] == ALIGNMENT_UNIQUENESS)
        & (table["statistic"] == "maximum")
        & (table["uniqueness"] == ARTEFACT_UNIQUENESS)
        & (table["depth_1"] == 1)
    ]
    values = []
    for (metric, options), own in rows.groupby(["metric", "options"], sort=False):
        values.append(
            f"{metric_name(metric, options)} {decimal(own['value'].min(), 3)} to "
            f"{decimal(own['value'].max(), 3)}"
        )
    text += f" Here that point is measured: {joined(values, '; ')}."
    if len(change):
        largest = change.loc[change.abs().idxmax()]
        text += (
            f" Setting it to zero changes {int((change.abs() > 5e-4).sum())} of {len(change)} "
            f"Spearman correlations, by {decimal(largest, 3)} at most."
        )
    return text


def difference_line(rows: pd.DataFrame, what: str) -> str:
    """One line: how far ours are from the published values; which is farthest."""
    rows = rows[rows["difference"].notna()]
    if rows.empty:
        return f"{what}: the paper gives no number for what was run here."
    worst = rows.loc[rows["difference"].abs().idxmax()]
    places = [
        level(name, int(worst[column]))
        for column, name in (("uniqueness", "U"), ("transform_depth", D_PHI))
        if pd.notna(worst[column])
    ]
    values = "value" if len(rows) == 1 else "values"
    mean = rows["difference"].mean()
    return (
        f"{what}: {len(rows)} published {values}; ours less published is {decimal(mean)} on "
        f"average, {decimal(rows['difference'].abs().mean())} in absolute value, and farthest at "
        f"{joined(places) or 'the only place'}: {decimal(worst['value'])} against "
        f"{decimal(worst['published'])}."
    )


def correlation_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Ours, with the artefact, published and the difference for each printed correlation."""
    rows = table[table["question"] == ALIGNMENT_UNIQUENESS]
    index = ["task", "metric", "options", "depth_1", "transform_depth"]
    other = {
        name: rows[rows["statistic"] == name].set_index(index)["value"]
        for name in ("pearson", f"spearman{WITH_ARTEFACT}")
    }
    lines = []
    for _, row in rows[(rows["statistic"] == "spearman") & rows["published"].notna()].iterrows():
        key = tuple(row[index])
        lines.append(
            {
                "figure": row["figure"],
                "metric": metric_name(row["metric"], row["options"]),
                "depth_1": row["depth_1"],
                "place": level(D_PHI, row["transform_depth"]),
                "numbers": [
                    decimal(row["value"], 3),
                    decimal(row["published"], 3),
                    decimal(row["difference"], 3),
                    decimal(other[f"spearman{WITH_ARTEFACT}"][key], 3),
                    decimal(other["pearson"][key], 3),
                ],
                "n": row["n"],
            }
        )
    return lines


def transform_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Ours, published and the difference for the correlations of figure 11."""
    rows = table[table["question"] == ALIGNMENT_TRANSFORM]
    index = ["task", "metric", "options", "uniqueness"]
    pearson = rows[rows["statistic"] == "pearson"].set_index(index)["value"]
    return [
        {
            "metric": metric_name(row["metric"], row["options"]),
            "place": level("U", row["uniqueness"]),
            "numbers": [
                decimal(row["value"], 3),
                decimal(row["published"], 3),
                decimal(row["difference"], 3),
                decimal(pearson[tuple(row[index])], 3),
            ],
            "n": row["n"],
        }
        for _, row in rows[(rows["statistic"] == "spearman") & rows["published"].notna()].iterrows()
    ]


def median_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a U: ours, published and Pearson's for the three relations of figure 7."""
    rows = table[(table["statistic"] == "median_spearman") & table["published"].notna()]
    pearson = table[table["statistic"] == "median_pearson"]
    index = ["question", "task", "metric", "options", "uniqueness"]
    pearson = pearson.set_index(index)["value"]
    lines = []
    for uniqueness, own in rows.groupby("uniqueness"):
        by_question = {row["question"]: row for _, row in own.iterrows()}
        cells = []
        for question in (ALIGNMENT_PERFORMANCE, PERFORMANCE_DEPTH, ALIGNMENT_DEPTH):
            row = by_question[question]
            cells += [
                decimal(row["value"]),
                decimal(row["published"]),
                decimal(row["difference"]),
                decimal(pearson[tuple(row[index])]),
            ]
        lines.append({"place": level("U", int(uniqueness)), "numbers": cells})
    return lines


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
        for _, row in ground_truth.sort_values(["task", "uniqueness"]).iterrows()
    ]


def _nats(value: float) -> str:
    # The decomposition is converged to about 3e-5.
    return decimal(value if abs(value) >= 5e-4 else 0.0, 3)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if np.isfinite(share) else "–"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−") if np.isfinite(share) else "–"
