"""``mmalign data av-digits``: digits seen and heard."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("av-digits")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to write, new or empty.  [default: the user's cache]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Other seeds, other data.")
def data_av_digits(directory: Path | None, seed: int) -> None:
    """Make 5,000 handwritten digits, each paired with its name spoken in noise.

    Written once, in the layout of AV-MNIST; prints the directory. Takes about half a minute.

    \b
    Example:
        mmalign data av-digits --directory digits
    """
    from ...data.av_digits import build_av_digits

    click.echo(build_av_digits(directory, seed=seed, progress=True))
