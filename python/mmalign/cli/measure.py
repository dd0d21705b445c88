"""``mmalign measure``: how alike two files of features are, or the models of two directories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import UserError
from ..measure.metrics import METRICS
from .options import Bandwidth, Numbers

_BY_DEFAULT = ("mutual_knn", "cka")


class Metrics(click.ParamType):
    """Names of metrics, such as "mutual_knn" or "mutual_knn,cka"."""

    name = "names"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        names = tuple(name.strip() for name in str(value).split(","))
        for name in names:
            if name not in METRICS:
                self.fail(f"{name!r} is not one of {', '.join(METRICS)}.", param, ctx)
        return names


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--metric",
    "--metrics",
    "asked",
    multiple=True,
    type=Metrics(),
    metavar="NAME,...",
    help=f"Of {', '.join(METRICS)}.  [default: mutual_knn,cka]",
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
    "--clamp",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="QUANTILE",
    help="First clamp outliers of each model at this quantile of a sample's absolute values, "
    "averaged over samples (0.95 in the Platonic Representation Hypothesis).",
)
@click.option(
    "--exact-clamp", is_flag=True, help="The quantile of all absolute values of the model instead."
)
@click.option("--normalize", is_flag=True, help="Then divide every row by its length.")
@click.option(
    "--permutations",
    type=click.IntRange(0),
    metavar="N",
    help="Pairings at random, for what the best of all pairs of layers scores by chance.  "
    "[default: 200 for mutual_knn, which costs little; 0 for others, where each is a measurement]",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    help="Of the pairings, and of galleries drawn at random.  [default: 0; galleries in order]",
)
@click.option(
    "--gallery",
    type=Numbers(),
    metavar="SIZES",
    help='Candidates to look for neighbours among, such as "1024,10000,100000".',
)
@click.option(
    "--queries",
    type=click.IntRange(1),
    help="Samples that look for neighbours in every gallery.  [default: 1024]",
)
@click.option(
    "--neighbors",
    metavar="LIST",
    help="How many in a gallery; a percentage is of the gallery.  [default: 10,1,1%]",
)
@click.option(
    "--layers",
    nargs=2,
    metavar="OF_A OF_B",
    help="For galleries.  [default: the two most alike in the smallest]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the results of directories and galleries go.  [default: measure-A-B]",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON; a score that is not defined is null."
)
def measure(
    a: Path, b: Path, asked: tuple[tuple[str, ...], ...], layer_axis: str, **given: Any
) -> None:
    """Measure how alike the features in files A and B are, or all models of directories A and B.

    Row i of A and row i of B are the same sample. A file is .npy, .npz, .safetensors or .pt (read
    with weights only) and holds one layer (samples x features) or many: several arrays, or one of
    layers x samples x features. Scores of 1 mean alike, or 0 where the name ends in _distance
    (lcs_knn: of k; hsic: has the units of the features); "chance" is the expected score of
    unrelated features, where it is known.

    A directory holds a file a model. Every layer of every model of A is compared with every layer
    of every model of B; DIR gets report.html, pairs.parquet, layers.parquet and results.json, and a
    run that was stopped goes on where it was when started again.

    \b
    Examples:
        mmalign measure image.npy text.npy
        mmalign measure image_layers.npz text_layers.safetensors --metric mutual_knn --k 20
        mmalign measure image.npy text.npy --metric cka --kernel rbf --json
        mmalign measure features/vision features/language --metrics mutual_knn,cka --clamp 0.95
        mmalign measure dinov2.safetensors llama.safetensors --gallery 1024,10000,100000
    """
    metrics = tuple(dict.fromkeys(name for names in asked for name in names))
    as_json, out = given.pop("as_json"), given.pop("out")
    several = a.is_dir() or b.is_dir() or out is not None
    if given["gallery"] is not None:
        if metrics not in ((), ("mutual_knn",)):
            raise UserError("--gallery is for mutual_knn, which needs no --metric.")
        _refuse(given, "without --gallery; it takes --neighbors", "k", "permutations")
        _refuse(given, "for other metrics than mutual_knn", "kernel", "sigma", "biased")
    else:
        _refuse(given, "for --gallery, which is not given", "queries", "neighbors", "layers")
        metrics = metrics or _BY_DEFAULT
        given["biased"] = given["biased"] or None
        for name in ("k", "similarity", "kernel", "sigma", "biased"):
            if given[name] is not None and not any(name in METRICS[metric] for metric in metrics):
                takers = " or ".join(metric for metric, names in METRICS.items() if name in names)
                raise UserError(f"--{name} is for {takers}, which is not asked for.")
    if given["exact_clamp"] and given["clamp"] is None:
        raise UserError("--exact-clamp is for --clamp, which is not given.")

    if given["gallery"] is not None:
        from .measure_directories import measure_galleries_of

        measure_galleries_of(a, b, int(layer_axis), given, out, as_json)
    elif several:
        from .measure_directories import measure_directories

        measure_directories(a, b, metrics, int(layer_axis), given, out, as_json)
    else:
        from .measure_files import measure_files

        measure_files(a, b, metrics, int(layer_axis), given, as_json)


def _refuse(given: dict[str, Any], reason: str, *names: str) -> None:
    for name in names:
        if given[name]:
            raise UserError(f"--{name} is {reason}.")
