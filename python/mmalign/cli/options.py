"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table


class Numbers(click.ParamType):
    """Whole numbers as people write them: "3", "1,2,4", "1-10"."""

    name = "numbers"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        numbers: list[int] = []
        for part in str(value).split(","):
            low, dash, high = part.strip().partition("-")
            if not low.isdecimal() or (dash and not high.isdecimal()):
                self.fail(f'{value!r} is not a list of whole numbers such as "1,2,4" or "1-10".')
            if dash and not int(low) <= int(high) < int(low) + 1000:
                self.fail(f"{part.strip()!r} is not a rising range of at most 1000 numbers.")
            numbers += range(int(low), int(high or low) + 1)
        if len(set(numbers)) != len(numbers):
            self.fail(f"{value!r} names a number twice.")
        return tuple(numbers)


class Bandwidth(click.ParamType):
    """A positive number or the word "median"."""

    name = "number|median"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        if value == "median":
            return "median"
        try:
            number = float(str(value))
        except ValueError:
            number = float("nan")
        if not 0 < number < float("inf"):
            self.fail(f'{value!r} is not a positive number or "median".')
        return number


def help_without_command(context: click.Context) -> None:
    """Show the help of a group that was called without a command."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def source_named(data: Path | None) -> str:
    """The digits of the study by the name :func:`load_dataset` knows them by."""
    return "av-digits" if data is None else f"av-mnist:{data}"


def print_unsqueezed(table: Table) -> None:
    """Print a table as wide as its numbers need: a line that wraps is better than "0.…"."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    unlimited = console.options.update(max_width=100_000)
    console.width = max(console.width, console.measure(table, options=unlimited).maximum)
    console.print(table)
