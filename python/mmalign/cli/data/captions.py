"""``mmalign data captions``: captions changed by degrees."""

from __future__ import annotations

import re
from pathlib import Path

import click

_RANGE = re.compile(r"(\d{1,3})-(\d{1,3})(?:/(\d{1,3}))?")


class Levels(click.ParamType):
    """Percentages as people write them: "0,50,100", "0-100/10"."""

    name = "levels"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        levels: list[int] = []
        for part in str(value).replace(" ", "").split(","):
            match = _RANGE.fullmatch(part)
            if match:
                levels += range(int(match[1]), int(match[2]) + 1, int(match[3] or 1) or 101)
            elif part.isdecimal() and len(part) < 4:
                levels.append(int(part))
            else:
                self.fail(
                    f'{value!r} is not a list of percentages such as "0,50,100" or "0-100/10".'
                )
        return tuple(levels)


@click.command("captions")
@click.argument("captions", type=click.Path(path_type=Path), metavar="CAPTIONS")
@click.option("--column", metavar="NAME", help="Of CAPTIONS, where it has columns.")
@click.option(
    "--perturb",
    required=True,
    metavar="NAME",
    help="delete, replace (characters by random letters, words by words of other captions) or "
    "permute (within a caption).",
)
@click.option(
    "--unit", default="word", show_default=True, metavar="NAME", help="word or character."
)
@click.option(
    "--levels",
    type=Levels(),
    default="0-100/10",
    show_default=True,
    help='How many percent of a caption change, such as "0,50,100"; 0 is the original.',
)
@click.option("--seed", type=int, default=0, show_default=True, help="Other seeds, other changes.")
@click.option(
    "--encoder",
    metavar="MODEL",
    help="The directory of a sentence encoder: also write how similar each changed caption is to "
    "its original.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE.json",
    help="Where the caption sets go.",
)
def data_captions(
    captions: Path,
    column: str | None,
    perturb: str,
    unit: str,
    levels: tuple[int, ...],
    seed: int,
    encoder: str | None,
    out: Path,
) -> None:
    """Change captions by degrees: what a study of captions starts from.

    CAPTIONS is a text file with a caption a line, or .jsonl, .json, .csv or .parquet with a column
    of them. What changes at a level also changes at higher ones, and the same command writes the
    same file on any machine. The layout is that of the data published with arXiv 2502.16282.

    \b
    Example:
        mmalign data captions --perturb delete --levels 0-100/10 captions.txt --out sets.json
    """
    from ...captions.make import make_caption_sets

    made = make_caption_sets(
        captions,
        out,
        column=column,
        levels=levels,
        perturb=perturb,
        unit=unit,
        seed=seed,
        encoder=encoder,
    )
    click.echo(made)
