"""``mmalign data check``: what a file or directory of data is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...files import json_text
from ...printable import printable
from ..options import print_unsqueezed

if TYPE_CHECKING:
    from ...check import Report, SplitSummary


@click.command("check")
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def data_check(context: click.Context, path: Path, as_json: bool) -> None:
    """Say what data is, its shapes, splits and labels, and what is wrong with it.

    PATH is a file or a directory: affect data of MultiBench (.pkl, .h5), AV-MNIST, MM-IMDb,
    features (.npy, .npz, .safetensors, .pt), caption sets, a study. Nothing in it runs.

    Exits with 0 if it can be used, with 1 if something must be repaired first, with 2 if it cannot
    be read or is nothing that is read here.

    \b
    Examples:
        mmalign data check mosei/mosei_senti_data.pkl
        mmalign data check avmnist_mfcc --json
    """
    from ...check import check_data

    reports = check_data(path)
    usable = all(report.usable for report in reports)
    if as_json:
        content = {"usable": usable, "reports": [report.as_json() for report in reports]}
        click.echo(json_text(content), nl=False)
    else:
        for report in reports:
            _print_report(report)
    context.exit(0 if usable else 1)


def _print_report(report: Report) -> None:
    click.echo(f"{printable(str(report.path))}: {printable(report.title)}.")
    if report.arrays:
        _print_table(
            ("array", "shape", "type", "NaN", "infinite", "constant features"),
            [
                (
                    array.name,
                    " x ".join(map(str, array.shape)),
                    array.dtype,
                    *map(_count, (array.nan, array.infinite, array.constant_features)),
                )
                for array in report.arrays
            ],
        )
    if report.splits:
        _print_table(
            ("split", "samples", "steps", "empty texts", "labels"),
            [_split_row(split) for split in report.splits],
        )
    for problem in report.sorted_problems():
        click.echo(f"{problem.severity}: {problem.where}: {problem.what} ({problem.remedy}).")
    click.echo("Usable:" if report.usable else "Not usable as it is.")
    for use in report.use if report.usable else ():
        click.echo(f"    {use if use.startswith('load_') else f'mmalign {use}'}")
    click.echo()


def _print_table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in LEFT else "right")
    for row in rows:
        table.add_row(*row)
    print_unsqueezed(table)
    click.echo()


LEFT = ("array", "type", "split", "labels")


def _split_row(split: SplitSummary) -> tuple[str, ...]:
    lengths = split.lengths
    steps = "{shortest:g} / {median:g} / {longest:g}".format(**lengths) if lengths else "-"
    labels = ", ".join(f"{name}: {number:.4g}" for name, number in split.labels.items())
    return split.name, str(split.samples), steps, _count(split.empty_texts), labels


def _count(count: int | None) -> str:
    return "-" if count is None else str(count)
