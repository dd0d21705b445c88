"""Directories of models: a directory of results with a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..measure.models import find_models, notes_on_pairing, require_pairs
from .measure_files import (
    decimal,
    decimal_or_nothing,
    label,
    metric_of,
    say_notes,
    treatment_of,
)
from .options import print_unsqueezed

if TYPE_CHECKING:
    from ..measure.models import Model
    from ..measure.pairs import PairResult

_MOST_ROWS = 10


def measure_directories(
    a: Path,
    b: Path,
    metrics: tuple[str, ...],
    layer_axis: int,
    given: dict[str, Any],
    out: Path | None,
    json: bool,
) -> None:
    """Measure every pair of models and write the results and a report."""
    from rich.console import Console

    from ..measure.results import read_pairs
    from ..measure.run import Request, measure_models
    from ..measure.store import only_run, open_directory
    from ..progress import WorkProgress
    from ..report.measure import write_measure_report
    from ..study.stopped import finished_cells_kept

    xs, ys, notes = _models(a, b, layer_axis)
    request = Request(
        tuple(metric_of(name, given) for name in metrics),
        treatment_of(given),
        given["permutations"],
        given["seed"] or 0,
    )
    store = open_directory(out or _usual_directory(a, b))
    work = sum(len(x.layers) * len(y.layers) for x in xs for y in ys) * len(metrics)
    with only_run(store), finished_cells_kept(store.directory):
        with WorkProgress(work, Console(stderr=True)) as progress:
            measure_models(xs, ys, request, store, progress.done)
        pairs = list(read_pairs(xs, ys, request, store))
        report = write_measure_report(store.directory, pairs, request, notes)
    say_notes([*notes, *(note for pair in pairs for note in pair.notes)])
    if json:
        click.echo((store.directory / "results.json").read_text(encoding="utf-8"), nl=False)
        return
    _print_best(pairs)
    click.echo(report)


def measure_galleries_of(
    a: Path, b: Path, layer_axis: int, given: dict[str, Any], out: Path | None, json: bool
) -> None:
    """Measure galleries of every pair of models and write the results and a report."""
    from rich.console import Console

    from ..measure.gallery import Gallery
    from ..measure.gallery_run import GalleryRequest, measure_galleries
    from ..measure.store import only_run, open_directory
    from ..progress import WorkProgress
    from ..report.measure import write_gallery_report
    from ..study.stopped import finished_cells_kept

    xs, ys, notes = _models(a, b, layer_axis)
    gallery = Gallery(
        xs[0].n,
        given["queries"] or min(1024, *given["gallery"]),
        given["gallery"],
        tuple((given["neighbors"] or "10,1,1%").replace(" ", "").split(",")),
        given["seed"],
    )
    request = GalleryRequest(
        gallery, given["similarity"] or "cosine", treatment_of(given), given["layers"]
    )
    store = open_directory(out or _usual_directory(a, b))
    work = sum(len(model.layers) + 1 for model in (*xs, *ys))
    with only_run(store), finished_cells_kept(store.directory):
        with WorkProgress(work, Console(stderr=True)) as progress:
            table = measure_galleries(xs, ys, request, store, progress.done)
        report = write_gallery_report(store.directory, table, request, notes)
    say_notes(notes)
    if json:
        click.echo((store.directory / "galleries.json").read_text(encoding="utf-8"), nl=False)
        return
    _print_galleries(table)
    click.echo(report)


def _models(a: Path, b: Path, layer_axis: int) -> tuple[list[Model], list[Model], list[str]]:
    xs, ys = (find_models(path, layer_axis) for path in (a, b))
    require_pairs(xs[0], ys[0])
    return xs, ys, notes_on_pairing([*xs, *ys])


def _usual_directory(a: Path, b: Path) -> Path:
    names = (path.name if path.is_dir() else path.stem for path in (a.resolve(), b.resolve()))
    return Path("-".join(("measure", *names)))


def _print_best(pairs: list[PairResult]) -> None:
    from rich.table import Table

    from ..measure.results import ranked

    for metric in dict.fromkeys(pair.metric.name for pair in pairs):
        own = [pair for pair in pairs if pair.metric.name == metric]
        defined = ranked(own)
        drawn = any(pair.calibration for pair in own)
        table = Table(box=None, pad_edge=False)
        for heading in ("a", "b", "layer of a", "layer of b"):
            table.add_column(heading)
        for heading in ("score", "chance", *(("best by chance", "p") if drawn else ())):
            table.add_column(heading, justify="right")
        for pair in defined[:_MOST_ROWS]:
            row = pair.describe()
            numbers = [decimal(pair.score), decimal_or_nothing(pair.chance)]
            if drawn:
                names = ("chance_of_best", "p_value")
                numbers += [decimal_or_nothing(row.get(name)) for name in names]
            table.add_row(*(row[name] for name in ("x", "y", "layer_x", "layer_y")), *numbers)
        shown = f", the {_MOST_ROWS} most alike" if len(defined) > _MOST_ROWS else ""
        click.echo(f"{label(own[0].metric)}: {len(own)} pairs of models{shown}\n")
        print_unsqueezed(table)
        click.echo()


def _print_galleries(rows: Any) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("a", "b", "layer of a", "layer of b"):
        table.add_column(heading)
    for heading in ("gallery", "k", "score", "chance"):
        table.add_column(heading, justify="right")
    for row in rows.itertuples():
        table.add_row(
            row.x,
            row.y,
            row.layer_x,
            row.layer_y,
            str(row.n),
            str(row.k),
            f"{row.score:.4f} ± {1.96 * row.standard_error:.4f}",
            decimal(row.chance),
        )
    print_unsqueezed(table)
    click.echo()
