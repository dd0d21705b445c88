"""Two files: scores and layers on the terminal, or JSON."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from ..files import json_text
from ..measure.metrics import Metric, metric
from ..measure.models import Model, notes_on_pairing, open_model
from ..measure.null import usual_permutations
from ..measure.pairs import PairResult, measure_pair
from ..measure.treatment import Treatment
from .options import print_unsqueezed


def measure_files(
    a: Path, b: Path, metrics: tuple[str, ...], layer_axis: int, given: dict[str, Any], json: bool
) -> None:
    """Print every metric of every layer of A with every layer of B."""
    models = open_model(a, layer_axis), open_model(b, layer_axis)
    treatment = treatment_of(given)
    results = []
    for name in metrics:
        chosen = metric_of(name, given)
        permutations = _permutations(chosen, models, given["permutations"])
        results.append(measure_pair(chosen, *models, treatment, permutations, given["seed"] or 0))
    notes = [*notes_on_pairing(models), *(note for result in results for note in result.notes)]
    say_notes(notes)
    if json:
        click.echo(json_text(_document(models, treatment, results)), nl=False)
    else:
        _print_tables(models, results)


def metric_of(name: str, given: dict[str, Any]) -> Metric:
    """The metric with the options of the command line."""
    options = ("k", "similarity", "kernel", "sigma", "biased")
    return metric(name, **{option: given[option] for option in options})


def treatment_of(given: dict[str, Any]) -> Treatment:
    """What the command line asks to be done to features first."""
    return Treatment(given["clamp"], given["exact_clamp"], given["normalize"])


def say_notes(notes: list[str]) -> None:
    """Print each note once, beside the results."""
    for note in dict.fromkeys(notes):
        click.echo(f"mmalign: note: {note}", err=True)


def _permutations(chosen: Metric, models: tuple[Model, Model], asked: int | None) -> int:
    """How many; by default none where nothing is chosen, as one pair of layers has no best."""
    if asked is not None:
        return asked
    return 0 if all(len(model.layers) == 1 for model in models) else usual_permutations(chosen)


def _document(
    models: tuple[Model, Model], treatment: Treatment, results: list[PairResult]
) -> dict[str, Any]:
    found = []
    for one in results:
        row = one.describe()
        best = {"score": one.score, "a": row["layer_x"], "b": row["layer_y"]}
        found.append(
            {
                **one.metric.describe(),
                "chance": one.chance,
                "permutations": len(one.null),
                **one.calibration,
                "matrix": one.scores.tolist(),
                "best": None if one.best is None else best,
            }
        )
    a, b = (model.describe() for model in models)
    return {"a": a, "b": b, "n": models[0].n, "treatment": treatment.describe(), "results": found}


def _print_tables(models: tuple[Model, Model], results: list[PairResult]) -> None:
    from rich.table import Table

    many = any(len(model.layers) > 1 for model in models)
    drawn = any(len(one.null) for one in results)
    table = Table(box=None, pad_edge=False)
    table.add_column("metric")
    for heading in ("score", "chance", *(("best by chance", "p") if drawn else ())):
        table.add_column(heading, justify="right")
    if many:
        for model in models:
            table.add_column(f"layer of {model.path.name}")
    for one in results:
        row = one.describe()
        cells = [label(one.metric), decimal(one.score), decimal_or_nothing(one.chance)]
        if drawn:
            cells += [decimal_or_nothing(row.get(name)) for name in ("chance_of_best", "p_value")]
        if many:
            cells += [row["layer_x"] or "", row["layer_y"] or ""]
        table.add_row(*cells)

    a, b = models
    best_of = f", best of {len(a.layers)} x {len(b.layers)} pairs of layers" if many else ""
    click.echo(f"{a.path} and {b.path}: {a.n} samples{best_of}\n")
    print_unsqueezed(table)
    for one in results if many else ():
        click.echo(f"\n{label(one.metric)}")
        matrix = Table(box=None, pad_edge=False)
        matrix.add_column("")
        for name, _ in b.layers:
            matrix.add_column(name, justify="right")
        for (name, _), scores in zip(a.layers, one.scores, strict=True):
            matrix.add_row(name, *map(decimal, scores))
        print_unsqueezed(matrix)


def label(chosen: Metric) -> str:
    """A metric with its options, in brackets."""
    options = chosen.options
    words = [f"k={options['k']}"] if "k" in options else []
    if "metric" in options:
        words.append(options["metric"])
    if "kernel" in options:
        sigma = [] if options["sigma"] is None else [f"sigma={options['sigma']}"]
        words += [options["kernel"], *sigma, "unbiased" if options["unbiased"] else "biased"]
    return f"{chosen.name} ({', '.join(words)})" if words else chosen.name


def decimal(value: float) -> str:
    """Four digits; words where there is no number."""
    return "not defined" if math.isnan(value) else f"{value:.4f}"


def decimal_or_nothing(value: float | None) -> str:
    """Four digits; nothing where a number is not known."""
    return "" if value is None else decimal(value)
