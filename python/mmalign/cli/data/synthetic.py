"""``mmalign data synthetic``: bits whose shared and unique information is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...errors import UserError
from ...files import json_text
from ..options import Numbers, print_unsqueezed


@click.command("synthetic")
@click.option(
    "--describe",
    is_flag=True,
    help="Print what the views tell of the label, for every R; write no data.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to write, new or empty.",
)
@click.option(
    "--redundancy",
    type=Numbers(),
    help='Shared task bits to write data for, such as "0-8".  [default: all]',
)
@click.option(
    "--depths",
    type=Numbers(),
    help='Transform depths to write data for, within "0-10".  [default: all]',
)
@click.option(
    "--task",
    default="paper",
    show_default=True,
    metavar="NAME",
    help="paper: U trades redundancy for synergy. balanced: for unique information alone.",
)
@click.option(
    "--split",
    default="reference",
    show_default=True,
    metavar="NAME",
    help="reference: the published samples and splits, to the last bit. paired: labels and split "
    "are the same for every R and depth.",
)
@click.option("--samples", type=int, default=65536, show_default=True)
@click.option("--shared-bits", type=int, default=8, show_default=True, help="Bits in both views.")
@click.option(
    "--unique-bits", type=int, default=4, show_default=True, help="Bits in either view alone."
)
@click.option(
    "--task-bits", type=int, default=8, show_default=True, help="Bits that decide the label."
)
@click.option("--classes", type=int, default=4, show_default=True)
@click.option(
    "--temperature",
    type=float,
    default=0.05,
    show_default=True,
    help="Noise of the label. Published levels: 0.05 exp(2 i / 9), i = 0 .. 9.",
)
@click.option(
    "--transform",
    default="depth",
    show_default=True,
    metavar="NAME",
    help="depth: D hidden layers. width: one of D^2 times a view's width.",
)
@click.option(
    "--activation", default="tanh", show_default=True, metavar="NAME", help="tanh or sigmoid."
)
@click.option(
    "--transformed-views", default="2", show_default=True, metavar="NAME", help="2 or both."
)
@click.option("--reconditioned", is_flag=True, help="Whiten what is transformed.")
@click.option("--transforms-seed", type=int, default=0, show_default=True)
@click.option("--features-seed", type=int, default=1, show_default=True, help="Which bits decide.")
@click.option(
    "--weights-seed", type=int, default=2, show_default=True, help="How they decide; the samples."
)
@click.option("--no-pid", is_flag=True, help="Leave out the decomposition: seconds, once.")
@click.option("--json", "as_json", is_flag=True, help="With --describe: print JSON.")
def data_synthetic(
    describe: bool,
    directory: Path | None,
    redundancy: tuple[int, ...] | None,
    depths: tuple[int, ...] | None,
    no_pid: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Make data whose redundancy, unique information and synergy are known exactly.

    Two views of random bits and a label that is a noisy function of a few of them, R of those in
    both views and U in one. View 2 is seen through a random network of depth D. One .safetensors
    file per R and D holds view_1, view_2, labels and the rows train, valid, test; 7 MB each.
    recipe.json holds the settings and what --describe tells. Prints the directory.

    \b
    Examples:
        mmalign data synthetic --describe
        mmalign data synthetic --describe --task balanced --json
        mmalign data synthetic --directory bits --redundancy 0,4,8 --depths 1-5
    """
    if describe == (directory is not None):
        raise UserError("Give --describe to see what the data is, or --directory to write it.")
    if describe and (redundancy is not None or depths is not None):
        raise UserError("--redundancy and --depths are for --directory; --describe tells of all.")
    if as_json and not describe:
        raise UserError("--json is for --describe.")

    from ...data.synthetic import SyntheticSettings

    settings = SyntheticSettings(**chosen)
    if directory is not None:
        from ...data.synthetic.export import export_synthetic

        click.echo(export_synthetic(directory, settings, redundancy, depths, pid=not no_pid))
        return
    from ...data.synthetic.describe import describe_synthetic

    description = describe_synthetic(settings, pid=not no_pid)
    if as_json:
        click.echo(json_text(description), nl=False)
    else:
        _print_description(description)


def _print_description(description: dict[str, Any]) -> None:
    from rich.table import Table

    from ...data.synthetic.describe import in_words

    for sentence in in_words(description):
        click.echo(sentence)
    click.echo()
    with_pid = description["rows"][0]["pid"] is not None
    table = Table(box=None, pad_edge=False)
    headings = ["R", "U", "I(X1;Y)", "I(X2;Y)", "co-info", "Bayes 1", "Bayes 2"]
    parts = ("redundancy", "unique_1", "unique_2", "synergy")
    for heading in headings + (["redundant", "unique 1", "unique 2", "synergy"] * with_pid):
        table.add_column(heading, justify="right")
    for row in description["rows"]:
        numbers = [row[name] for name in ("mi_1", "mi_2", "co_information", "bayes_1", "bayes_2")]
        numbers += [row["pid"][part] for part in parts] if with_pid else []
        # Adding 0 turns the -0.0 that rounding leaves into 0.
        cells = [f"{round(number, 4) + 0.0:.4f}" for number in numbers]
        table.add_row(str(row["redundancy"]), str(row["unique_1"] + row["unique_2"]), *cells)
    print_unsqueezed(table)
