"""The commands ``mmalign data ...``."""

from __future__ import annotations

import click

from ..options import help_without_command
from .av_digits import data_av_digits
from .captions import data_captions
from .check import data_check
from .synthetic import data_synthetic


@click.group(invoke_without_command=True)
@click.pass_context
def data(context: click.Context) -> None:
    """Make data and say where it is; say what data is and what is wrong with it.

    \b
    Examples:
        mmalign data check mosei_senti_data.pkl
        mmalign data av-digits
        mmalign data synthetic --describe
        mmalign data captions --perturb delete captions.txt --out sets.json
    """
    help_without_command(context)


for command in (data_av_digits, data_captions, data_check, data_synthetic):
    data.add_command(command)
