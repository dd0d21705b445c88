"""Options and manners that the studies share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ...errors import UserError

DEVICE = click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="cpu, cuda, cuda:N, or auto for what is there.",
)
RESUME = click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Continue what DIR already holds, or refuse a DIR that holds a study.",
)


def out_option(study: str) -> Callable[[Any], Any]:
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help=f"Where results go.  [default: study-{study}-PRESET]",
    )


def refuse_a_study(directory: Path, resume: bool) -> None:
    if not resume and (directory / "study.json").exists():
        raise UserError(
            f"{directory} already holds a study; leave out --no-resume to continue it, or choose "
            "another --out."
        )
