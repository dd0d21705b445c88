"""``mmalign study synthetic``: data whose information is known."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import Numbers
from .options import DEVICE, RESUME, out_option, refuse_a_study


@click.command("synthetic")
@click.option(
    "--preset",
    default="quick",
    show_default=True,
    metavar="NAME",
    help="quick: a coarse grid, about a minute on two cores. paper: every encoder of the paper, "
    "as published. corrected: what the paper asks, with ten seeds, full samples, ceilings, nulls "
    "and intervals.",
)
@out_option("synthetic")
@DEVICE
@RESUME
@click.option("--seeds", type=click.IntRange(1, 1000), help="How many, instead of the preset's.")
@click.option("--depths", type=Numbers(), help='Of encoders, such as "1,2,4,8".')
@click.option("--uniqueness", type=Numbers(), help='Levels of unique information, of "0-8".')
@click.option("--transform-depths", type=Numbers(), help='Of the second view, of "0-10".')
@click.option(
    "--epochs",
    type=(click.IntRange(1), click.IntRange(1)),
    metavar="N1 N2",
    help="Of the encoders of view 1 and of view 2.",
)
@click.option(
    "--tune",
    is_flag=True,
    help="First search for learning rates and weight decays, in place of the published ones "
    '(needs pip install "mmkernels[tune]").',
)
def study_synthetic(
    preset: str,
    out: Path | None,
    device: str,
    resume: bool,
    seeds: int | None,
    depths: tuple[int, ...] | None,
    uniqueness: tuple[int, ...] | None,
    transform_depths: tuple[int, ...] | None,
    epochs: tuple[int, int] | None,
    tune: bool,
) -> None:
    """Study data whose redundancy, uniqueness and synergy are known exactly.

    Trains encoders of both views of every depth at every level of unique information and every
    depth of the transform that makes the second view unlike the first, compares their layers, and
    writes DIR/report.html. Interrupted, it goes on where it was when started again.

    \b
    Example:
        mmalign study synthetic --preset paper --out results/synthetic-paper
    """
    from rich.console import Console

    from ...report.synthetic import write_synthetic_report
    from ...study.synthetic import run_synthetic_study, synthetic_study
    from ...study.synthetic.tuning import tune as search

    directory = out or Path(f"study-synthetic-{preset}")
    refuse_a_study(directory, resume)
    console = Console(stderr=True)
    options = {
        "seeds": None if seeds is None else range(seeds),
        "depths": depths,
        "uniqueness": uniqueness,
        "transform_depths": transform_depths,
        "epochs": epochs,
    }
    asked = synthetic_study(preset, **options)
    if tune:
        found = search(asked, directory / "tuning", device=device, say=console.print)
        asked = synthetic_study(preset, **options, tuned=found)
    run_synthetic_study(asked, directory, device=device, console=console)
    click.echo(write_synthetic_report(directory))
