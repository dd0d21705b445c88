"""``mmalign measure``: how alike the features in two files are."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import Bandwidth
from .errors import UserError
from .files import json_text

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table

METRICS = {"mutual_knn": ("k", "similarity"), "cka": ("kernel", "sigma", "biased")}


@dataclass(frozen=True)
class FeatureFile:
    """A file and its layers: (name, (n_samples, n_features) array)."""

    path: Path
    layers: list[tuple[str, Any]]

    @property
    def n(self) -> int:
        return self.layers[0][1].shape[0]

    def describe(self) -> dict[str, Any]:
        layers = [{"name": name, "shape": list(array.shape)} for name, array in self.layers]
        return {"path": str(self.path), "layers": layers}


@dataclass(frozen=True)
class Measurement:
    """One metric over every layer of A (rows of ``matrix``) and of B (columns)."""

    metric: str
    options: dict[str, Any]
    chance: float | None
    matrix: np.ndarray

    def best(self) -> tuple[int, int] | None:
        """Row and column of the highest score, the first of equal ones; None if all are NaN."""
        import numpy as np

        if np.isnan(self.matrix).all():
            return None
        row, column = np.unravel_index(np.nanargmax(self.matrix), self.matrix.shape)
        return int(row), int(column)


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    type=click.Choice(list(METRICS)),
    help="May be given several times.  [default: all]",
)
@click.option("--k", type=int, help="Neighbours for mutual_knn.  [default: 10]")
@click.option(
    "--similarity",
    type=click.Choice(["cosine", "ip", "l2"]),
    help="What makes neighbours for mutual_knn.  [default: cosine]",
)
@click.option(
    "--kernel", type=click.Choice(["linear", "rbf"]), help="Kernel of cka.  [default: linear]"
)
@click.option("--sigma", type=Bandwidth(), help="Bandwidth of the rbf kernel.  [default: median]")
@click.option("--biased", is_flag=True, help="The biased estimate of cka; it grows with width.")
@click.option(
    "--layer-axis",
    type=click.Choice(["0", "1"]),
    default="0",
    show_default=True,
    help="Axis of a three-dimensional array that counts layers; the other is samples.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON; a score that is not defined is null."
)
def measure(
    a: Path,
    b: Path,
    metrics: tuple[str, ...],
    k: int | None,
    similarity: str | None,
    kernel: str | None,
    sigma: float | str | None,
    biased: bool,
    layer_axis: str,
    as_json: bool,
) -> None:
    """Measure how alike the features in files A and B are.

    Row i of A and row i of B are the same sample. A file is .npy, .npz, .safetensors or .pt (read
    with weights only) and holds one layer (samples x features) or many: several arrays, or one of
    layers x samples x features. Scores of 1 mean alike; "chance" is the expected score of
    unrelated features.

    \b
    Examples:
        mmalign measure image.npy text.npy
        mmalign measure image_layers.npz text_layers.safetensors --metric mutual_knn --k 20
        mmalign measure image.npy text.npy --metric cka --kernel rbf --json
    """
    asked = tuple(dict.fromkeys(metrics)) or tuple(METRICS)
    given = {
        "k": k,
        "similarity": similarity,
        "kernel": kernel,
        "sigma": sigma,
        "biased": biased or None,
    }
    for metric, names in METRICS.items():
        for name in names:
            if given[name] is not None and metric not in asked:
                raise UserError(f"--{name} is for the metric {metric}, which is not asked for.")

    from .data.features import load_features

    files = [FeatureFile(path, load_features(path, int(layer_axis))) for path in (a, b)]
    if files[0].n != files[1].n:
        raise UserError(
            f"{a} has {files[0].n} samples and {b} has {files[1].n}; row i of one must be paired "
            "with row i of the other."
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            measurements = [_measure(metric, files, given) for metric in asked]
        except (ValueError, TypeError) as error:
            raise UserError(_in_words_of_files(str(error), files)) from error
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        click.echo(f"mmalign: note: {_in_words_of_files(message, files)}", err=True)
    if as_json:
        click.echo(json_text(_document(files, measurements)), nl=False)
    else:
        _print_tables(files, measurements)


def _measure(metric: str, files: list[FeatureFile], given: dict[str, Any]) -> Measurement:
    import numpy as np

    import mmkernels

    options: dict[str, Any]
    compute: Callable[..., Any]
    if metric == "mutual_knn":
        k = 10 if given["k"] is None else given["k"]
        options = {"k": k, "metric": given["similarity"] or "cosine"}
        compute, chance = mmkernels.mutual_knn_matrix, k / max(files[0].n - 1, 1)
    else:
        kernel = given["kernel"] or "linear"
        sigma = given["sigma"] or ("median" if kernel == "rbf" else None)
        options = {"kernel": kernel, "sigma": sigma, "unbiased": not given["biased"]}
        compute, chance = mmkernels.cka_matrix, None if given["biased"] else 0.0
    xs, ys = ([array for _, array in file.layers] for file in files)
    matrix = np.asarray(compute(xs, ys, **options), dtype=np.float64)
    return Measurement(metric, options, chance, matrix)


def _in_words_of_files(text: str, files: list[FeatureFile]) -> str:
    """Say file and layer where mmkernels says "xs[0]"."""

    def name(match: re.Match[str]) -> str:
        file = files["xy".index(match[1])]
        layer = file.layers[int(match[2])][0]
        return str(file.path) if len(file.layers) == 1 else f"{file.path}: {layer}"

    return re.sub(r"\b([xy])s\[(\d+)\]", name, text)


def _document(files: list[FeatureFile], measurements: list[Measurement]) -> dict[str, Any]:
    results = []
    for one in measurements:
        best = one.best()
        results.append(
            {
                "metric": one.metric,
                "options": one.options,
                "chance": one.chance,
                "matrix": one.matrix.tolist(),
                "best": None
                if best is None
                else {
                    "score": float(one.matrix[best]),
                    "a": files[0].layers[best[0]][0],
                    "b": files[1].layers[best[1]][0],
                },
            }
        )
    a, b = (file.describe() for file in files)
    return {"a": a, "b": b, "n": files[0].n, "results": results}


def _print_tables(files: list[FeatureFile], measurements: list[Measurement]) -> None:
    from rich.table import Table

    many = any(len(file.layers) > 1 for file in files)
    table = Table(box=None, pad_edge=False)
    table.add_column("metric")
    for heading in ("score", "chance"):
        table.add_column(heading, justify="right")
    if many:
        table.add_column(f"layer of {files[0].path.name}")
        table.add_column(f"layer of {files[1].path.name}")
    for one in measurements:
        best = one.best()
        score = math.nan if best is None else float(one.matrix[best])
        row = [_label(one), _decimal(score), "" if one.chance is None else _decimal(one.chance)]
        if many:
            names = ("", "") if best is None else (files[i].layers[best[i]][0] for i in (0, 1))
            row += names
        table.add_row(*row)

    a, b = files
    best_of = f", best of {len(a.layers)} x {len(b.layers)} pairs of layers" if many else ""
    click.echo(f"{a.path} and {b.path}: {a.n} samples{best_of}\n")
    _print_unsqueezed(table)
    for one in measurements if many else ():
        click.echo(f"\n{_label(one)}")
        matrix = Table(box=None, pad_edge=False)
        matrix.add_column("")
        for name, _ in b.layers:
            matrix.add_column(name, justify="right")
        for (name, _), scores in zip(a.layers, one.matrix, strict=True):
            matrix.add_row(name, *map(_decimal, scores))
        _print_unsqueezed(matrix)


def _print_unsqueezed(table: Table) -> None:
    """Print a table as wide as its numbers need: a line that wraps is better than "0.…"."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    unlimited = console.options.update(max_width=100_000)
    console.width = max(console.width, console.measure(table, options=unlimited).maximum)
    console.print(table)


def _label(one: Measurement) -> str:
    if one.metric == "mutual_knn":
        return f"mutual_knn (k={one.options['k']}, {one.options['metric']})"
    sigma = f", sigma={one.options['sigma']}" if one.options["sigma"] is not None else ""
    estimate = "unbiased" if one.options["unbiased"] else "biased"
    return f"cka ({one.options['kernel']}{sigma}, {estimate})"


def _decimal(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.4f}"
