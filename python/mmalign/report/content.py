"""The words and tables of the report."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ..analysis.comparisons import BOTH_VIEWS
from ..analysis.correlations import (
    ALIGNMENT_DEPTH,
    ALIGNMENT_PERFORMANCE,
    PERFORMANCE_DEPTH,
)
from ..analysis.labels import NO_BREAK, decimal, joined, metric_label
from ..data.paired import SPLITS
from ..study.results import StudyResults

_DIGITS = ("av-digits", "av-mnist")
_KEY = ["metric", "options", "view_a", "view_b", "varied_view"]


def data_phrase(study: dict[str, Any]) -> str:
    """How a sentence speaks of a study's data."""
    return "these digits" if study["dataset"]["name"] in _DIGITS else "this data"


def facts(results: StudyResults) -> list[tuple[str, str]]:
    """What was run, as terms and their text."""
    study, encoders, alignments = results.study, results.encoders, results.alignments
    dataset = study["dataset"]
    told = [
        ("Study", f"{study['name']}, preset {study['preset']}"),
        ("Data", f"{dataset['name']} (fingerprint {dataset['fingerprint'][:12]})"),
    ]
    samples = results.samples()
    counts = [f"{samples[split]:,} {split}".replace(",", "\u202f") for split in SPLITS]
    told.append(("Samples", ", ".join(counts)))
    cells = pd.DataFrame(study["cells"])
    for view, own in cells.groupby("view", sort=False):
        told.append((f"{view.capitalize()} encoders", _recipe(own)))
    told.append(("Seeds", joined([str(seed) for seed in study["seeds"]])))
    metrics = dict.fromkeys(zip(alignments["metric"], alignments["options"], strict=True))
    if metrics:
        samples = joined([str(n) for n in sorted(alignments["n"].unique())])
        names = "; ".join(metric_label(*metric) for metric in metrics)
        told.append(("Alignment", f"{names}; on {samples} held-out test samples"))
    told.append(("Results", f"{len(encoders)} encoders, {len(alignments)} alignments"))
    told.append(("Time", duration(results.elapsed_seconds)))
    versions = study.get("versions", {})
    told.append(("Versions", ", ".join(f"{name} {versions[name]}" for name in versions)))
    return told


def task_sentence(results: StudyResults) -> str:
    """What the encoders were trained for, and what accuracy therefore is."""
    if results.is_regression:
        return (
            "Encoders of each view were trained separately to tell a number, the absolute error "
            "being what they make small; accuracy is how often the prediction and the truth are "
            "both above zero, or both not."
        )
    return "Encoders of each view were trained separately to name the class."


def duration(seconds: float | None) -> str:
    """Seconds as ``4 min 10 s``."""
    if seconds is None:
        return "not recorded"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def correlation_rows(correlations: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a comparison: the four correlations of alignment with accuracy."""
    table = correlations[correlations["relation"] == ALIGNMENT_PERFORMANCE]
    lines, labels = [], _metric_labels(table)
    for key, rows in table.groupby(_KEY, sort=False):
        by_statistic = {row["statistic"]: row for _, row in rows.iterrows()}
        first = rows.iloc[0]
        lines.append(
            {
                "metric": labels[key[:2]],
                "who": _who(key),
                "cells": [
                    correlation_cell(by_statistic[name])
                    for name in ("spearman", "pearson", "partial_spearman", "partial_pearson")
                ],
                "n": first["n"],
                "best": decimal(first["best_alignment"], 3),
                "chance": decimal(first["chance"], 3),
                "layer_pairs": first["most_layer_pairs"],
            }
        )
    return lines


def depth_rows(correlations: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a comparison: Spearman's and Pearson's correlation of both measures with depth."""
    table = correlations[correlations["relation"].isin([PERFORMANCE_DEPTH, ALIGNMENT_DEPTH])]
    lines, labels = [], _metric_labels(table)
    for key, rows in table.groupby(_KEY, sort=False):
        found = {(row["relation"], row["statistic"]): row for _, row in rows.iterrows()}
        lines.append(
            {
                "metric": labels[key[:2]],
                "who": _who(key),
                "cells": [
                    correlation_cell(found[relation, statistic])
                    for relation in (PERFORMANCE_DEPTH, ALIGNMENT_DEPTH)
                    for statistic in ("spearman", "pearson")
                ],
                "n": rows.iloc[0]["n"],
            }
        )
    return lines


def _metric_labels(table: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The names of a table's metrics, brief unless that would give two of them the same name."""
    keys = dict.fromkeys(zip(table["metric"], table["options"], strict=True))
    brief = {key: metric_label(*key, brief=True) for key in keys}
    return {
        key: name if list(brief.values()).count(name) == 1 else metric_label(*key)
        for key, name in brief.items()
    }


def correlation_cell(row: pd.Series) -> dict[str, str]:
    """A correlation as text: its value and, below it, its interval or why it has none."""
    if row["reason"]:
        return {"value": decimal(row["value"]), "interval": row["reason"], "p": ""}
    return {
        "value": decimal(row["value"]),
        "interval": f"{decimal(row['low'])}{NO_BREAK}to{NO_BREAK}{decimal(row['high'])}",
        "p": "" if math.isnan(row["p_equal_depth"]) else _p(row["p_equal_depth"]),
    }


def _p(p: float) -> str:
    return f"p{NO_BREAK}{'<' if p < 0.001 else '='}{NO_BREAK}{decimal(max(p, 0.001), 3)}"


def correlation_text(correlations: pd.DataFrame, key: tuple[str, ...]) -> str:
    """Spearman's correlation of one comparison in a line, for the head of its figure."""
    rows = correlations[(correlations[_KEY] == list(key)).all(axis=1)]
    row = rows[
        (rows["relation"] == ALIGNMENT_PERFORMANCE) & (rows["statistic"] == "spearman")
    ].iloc[0]
    cell = correlation_cell(row)
    if not math.isfinite(row["value"]):
        return row["reason"]
    return f"Spearman {cell['value']} ({cell['interval']}), n{NO_BREAK}={NO_BREAK}{row['n']}"


def encoder_rows(results: StudyResults) -> list[dict[str, str]]:
    """One line an encoder, as text."""
    return [
        {
            "view": row.view,
            "encoder": row.encoder,
            "depth": str(row.depth),
            "seed": str(row.seed),
            "parameters": f"{row.parameters:,}".replace(",", "\u202f"),
            "epochs": f"{row.best_epoch} of {row.epochs}",
            "train": _percent(row.train_accuracy),
            "valid": _percent(row.valid_accuracy),
            "test": _percent(row.test_accuracy),
            "error": decimal(row.test_absolute_error, 3),
        }
        for row in results.encoders.itertuples()
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if math.isfinite(share) else "–"


def _who(key: tuple[str, ...]) -> str:
    _, _, view_a, view_b, varied = key
    if varied == BOTH_VIEWS:
        return f"all pairs of {view_a} and {view_b} encoders"
    other = view_b if varied == view_a else view_a
    return f"{varied} encoders, with the best {other} encoder"


def _recipe(own: pd.DataFrame) -> str:
    kinds = joined(list(dict.fromkeys(own["encoder"])))
    depths = sorted(own["depth"].unique())
    whole = list(range(int(depths[0]), int(depths[-1]) + 1)) == depths and len(depths) > 2
    spelled = f"{depths[0]} to {depths[-1]}" if whole else joined([str(one) for one in depths])
    text = f"{kinds} of depth {spelled}"
    for column, words in (
        ("epochs", "{} epochs"),
        ("learning_rate", "learning rate {}"),
        ("weight_decay", "weight decay {}"),
        ("batch_size", "batches of {}"),
    ):
        if column in own:
            values = joined([f"{value:g}" for value in sorted(own[column].unique())])
            text += ", " + words.format(values)
    options = own["options"].iloc[0] if "options" in own else {}
    if options and all(other == options for other in own["options"]):
        text += "".join(f", {name} {value}" for name, value in sorted(options.items()))
    return text
