"""The words and tables of the page that redraws the paper's figures."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...analysis.labels import NO_BREAK, decimal, joined
from ...analysis.synthetic import SyntheticResults
from ...analysis.synthetic.labels import metric_name
from ...analysis.synthetic.paper import WITH_ARTEFACT
from ...analysis.synthetic.published import ARTEFACT_UNIQUENESS
from ...analysis.synthetic.statistics import (
    ALIGNMENT_DEPTH,
    ALIGNMENT_PERFORMANCE,
    ALIGNMENT_TRANSFORM,
    ALIGNMENT_UNIQUENESS,
    PERFORMANCE_DEPTH,
)
from .marks import D_PHI, level


def paper_headline(table: pd.DataFrame) -> str:
    """How close the published correlations came, in one sentence."""
    rows = table[table["difference"].notna() & (table["question"] == ALIGNMENT_UNIQUENESS)]
    rows = rows[rows["statistic"] == "spearman"]
    medians = table[(table["statistic"] == "median_spearman") & table["difference"].notna()]
    clauses = []
    if len(rows):
        ours = rows["value"]
        fell = int((ours < 0).sum())
        every = "every one" if fell == len(rows) else f"{fell}"
        clauses.append(
            f"the highest alignment falls with U in {every} of {len(rows)} published settings "
            f"(Spearman {decimal(ours.min())} to {decimal(ours.max())} here, "
            f"{decimal(rows['published'].min())} to {decimal(rows['published'].max())} published)"
        )
    if len(medians):
        away = medians["difference"].abs()
        clauses.append(
            f"the {len(medians)} published medians of correlations between alignment, performance "
            f"and depth differ by {decimal(away.mean())} on average, {decimal(away.max())} at most"
        )
    if not clauses:
        return "This study shares no setting with the published numbers."
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}."


def artefact_note(results: SyntheticResults, table: pd.DataFrame, change: pd.Series) -> str:
    """What the missing ninth value of the published figures did."""
    text = (
        "The published figures 4, 10, 11 and 13 show alignment of exactly 0 at "
        f"{level('U', ARTEFACT_UNIQUENESS)} for every metric. The released analysis of them loops "
        "over U from 0 to 7 only, so that the ninth value keeps its initial zero and enters every "
        "correlation with U."
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
        changed = change[change.abs() > 5e-4]
        total = f"of the {len(change)} Spearman correlations"
        text += " Setting it to zero changes "
        if changed.empty:
            text += f"none {total}."
        else:
            largest = changed.loc[changed.abs().idxmax()]
            text += f"{len(changed)} {total}, by {decimal(largest, 3)} at most."
    return text


def difference_line(rows: pd.DataFrame, what: str) -> str:
    """One line: how far ours are from the published values; which is farthest."""
    rows = rows[rows["difference"].notna()]
    if rows.empty:
        return f"{what}: the paper gives no number for what was run here."
    worst = rows.loc[rows["difference"].abs().idxmax()]
    digits = 3 if abs(worst["difference"]) < 0.01 else 2
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
        f"{joined(places) or 'the only place'}: {decimal(worst['value'], digits)} against "
        f"{decimal(worst['published'], digits)}."
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
    shown = rows[(rows["statistic"] == "spearman") & rows["published"].notna()]
    order = shown["figure"].astype(int)
    for _, row in shown.loc[order.sort_values(kind="stable").index].iterrows():
        key = tuple(row[index])
        lines.append(
            {
                "metric": f"{row['figure']}: {_measured(row)}",
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


def _measured(row: pd.Series) -> str:
    name = metric_name(row["metric"], row["options"])
    return name if row["depth_1"] == 1 else f"{name}, view 1 of depth{NO_BREAK}{row['depth_1']}"


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
