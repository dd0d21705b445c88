"""The commands ``mmalign study ...``."""

from __future__ import annotations

import click

from ..options import help_without_command
from .affect import study_affect
from .av_digits import study_av_digits
from .av_mnist import study_av_mnist
from .captions import study_captions
from .digits_and_voices import study_digits_and_voices
from .synthetic import study_synthetic


@click.group(invoke_without_command=True)
@click.pass_context
def study(context: click.Context) -> None:
    """Train encoders, measure how alike they are, write a report.

    \b
    Example:
        mmalign study av-digits --preset quick
    """
    help_without_command(context)


for command in (
    study_av_digits,
    study_digits_and_voices,
    study_affect,
    study_av_mnist,
    study_captions,
    study_synthetic,
):
    study.add_command(command)
