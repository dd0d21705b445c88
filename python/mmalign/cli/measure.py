"""``mmalign measure``: how alike the features in two files are."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UserError
from ..files import json_text
from .options import Bandwidth, print_unsqueezed

if TYPE_CHECKING:
    import numpy as np

_NEIGHBORS = ("k", "similarity")
_KERNELS = ("kernel", "sigma", "biased")
# Every metric, and which options it takes.
METRICS: dict[str, tuple[str, ...]] = {
    "mutual_knn": _NEIGHBORS,
    "cka": _KERNELS,
    "jaccard_knn": _NEIGHBORS,
    "cycle_knn": _NEIGHBORS,
    "lcs_knn": _NEIGHBORS,
    "edit_distance_knn": _NEIGHBORS,
    "rank_similarity": _NEIGHBORS,
    "second_order_cosine": _NEIGHBORS,
    "cknna": ("k",),
    "hsic": _KERNELS,
    "distance_correlation": (),
    "cmd": (),
    "cca": (),
    "svcca": (),
    "pwcca": (),
    "procrustes": (),
    "procrustes_distance": (),
    "angular_shape_distance": (),
    "rsa": (),
    "linear_predictivity": (),
    "linear_regression": (),
}
_BY_DEFAULT = ("mutual_knn", "cka")


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
        """Row and column of the two layers most alike, the first of equals; None if all are NaN."""
        import numpy as np

        if np.isnan(self.matrix).all():
            return None
        most_alike = np.nanargmin if self.metric.endswith("_distance") else np.nanargmax
        row, column = np.unravel_index(most_alike(self.matrix), self.matrix.shape)
        return int(row), int(column)


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    type=click.Choice(list(METRICS)),
    metavar="NAME",
    help=f"May be given several times: {', '.join(METRICS)}.  [default: mutual_knn and cka]",
)
@click.option("--k", type=int, help="Neighbours, for metrics that take any.  [default: 10]")
@click.option(
    "--similarity",
    type=click.Choice(["cosine", "ip", "l2"]),
    help="What makes neighbours.  [default: cosine]",
)
@click.option(
    "--kernel",
    type=click.Choice(["linear", "cosine", "rbf", "laplacian", "polynomial", "distance"]),
    help="Kernel of cka and hsic.  [default: linear]",
)
@click.option(
    "--sigma", type=Bandwidth(), help="Bandwidth of rbf and laplacian.  [default: median]"
)
@click.option(
    "--biased", is_flag=True, help="The biased estimate of cka and hsic; it grows with width."
)
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
    layers x samples x features. Scores of 1 mean alike, or 0 where the name ends in _distance
    (lcs_knn: of k; hsic: has the units of the features); "chance" is the expected score of
    unrelated features, where it is known.

    \b
    Examples:
        mmalign measure image.npy text.npy
        mmalign measure image_layers.npz text_layers.safetensors --metric mutual_knn --k 20
        mmalign measure image.npy text.npy --metric cka --kernel rbf --json
        mmalign measure image.npy text.npy --metric procrustes --metric rsa
    """
    asked = tuple(dict.fromkeys(metrics)) or _BY_DEFAULT
    given = {
        "k": k,
        "similarity": similarity,
        "kernel": kernel,
        "sigma": sigma,
        "biased": biased or None,
    }
    for name, value in given.items():
        if value is not None and not any(name in METRICS[metric] for metric in asked):
            takers = " or ".join(metric for metric, names in METRICS.items() if name in names)
            raise UserError(f"--{name} is for {takers}, which is not asked for.")

    from ..data.features import load_features

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

    names = METRICS[metric]
    options: dict[str, Any] = {}
    if "k" in names:
        options["k"] = 10 if given["k"] is None else given["k"]
    if "similarity" in names:
        options["metric"] = given["similarity"] or "cosine"
    if "kernel" in names:
        options["kernel"] = given["kernel"] or "linear"
        wide = options["kernel"] in ("rbf", "laplacian")
        options["sigma"] = given["sigma"] or ("median" if wide else None)
        options["unbiased"] = not given["biased"]
    xs, ys = ([array for _, array in file.layers] for file in files)
    named = dict(options)
    unbiased = named.pop("unbiased", False)
    matrix = mmkernels.measure_matrix(f"unbiased_{metric}" if unbiased else metric, xs, ys, **named)
    chance = _chance(metric, options, files[0].n)
    return Measurement(metric, options, chance, np.asarray(matrix, dtype=np.float64))


def _chance(metric: str, options: dict[str, Any], n: int) -> float | None:
    """The expected score of unrelated features, where it does not depend on what they are."""
    if metric == "mutual_knn":
        return options["k"] / max(n - 1, 1)
    return 0.0 if options.get("unbiased") else None


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
    print_unsqueezed(table)
    for one in measurements if many else ():
        click.echo(f"\n{_label(one)}")
        matrix = Table(box=None, pad_edge=False)
        matrix.add_column("")
        for name, _ in b.layers:
            matrix.add_column(name, justify="right")
        for (name, _), scores in zip(a.layers, one.matrix, strict=True):
            matrix.add_row(name, *map(_decimal, scores))
        print_unsqueezed(matrix)


def _label(one: Measurement) -> str:
    options = one.options
    words = [f"k={options['k']}"] if "k" in options else []
    if "metric" in options:
        words.append(options["metric"])
    if "kernel" in options:
        sigma = [] if options["sigma"] is None else [f"sigma={options['sigma']}"]
        words += [options["kernel"], *sigma, "unbiased" if options["unbiased"] else "biased"]
    return f"{one.metric} ({', '.join(words)})" if words else one.metric


def _decimal(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.4f}"
