"""The commands ``mmalign study ...``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .cli_options import Numbers, help_without_command, source_named
from .errors import UserError

_DEVICE = click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="cpu, cuda, cuda:N, or auto for what is there.",
)
_RESUME = click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Continue what DIR already holds, or refuse a DIR that holds a study.",
)


def _out(study: str) -> Callable[[Any], Any]:
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help=f"Where results go.  [default: study-{study}-PRESET]",
    )


@click.group(invoke_without_command=True)
@click.pass_context
def study(context: click.Context) -> None:
    """Train encoders, measure how alike they are, write a report.

    \b
    Example:
        mmalign study av-digits --preset quick
    """
    help_without_command(context)


@study.command("av-digits")
@click.option(
    "--preset",
    default="quick",
    show_default=True,
    metavar="NAME",
    help="quick: 3 seeds x 4 depths per view, minutes on two cores. full: 5 seeds x 10 depths and "
    "100 epochs, hours.",
)
@_out("av-digits")
@_DEVICE
@click.option("--workers", type=int, help="Encoders trained at a time.  [default: one per core]")
@_RESUME
@click.option("--seeds", type=Numbers(), help='Instead of the preset\'s, such as "0-4".')
@click.option("--depths", type=Numbers(), help='Instead of the preset\'s, such as "1,2,4,8".')
@click.option("--epochs", type=int, help="Instead of the preset's.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A directory of the real AV-MNIST (image/train_data.npy, ...) to study in place of the "
    "built-in digits.",
)
def study_av_digits(
    preset: str,
    out: Path | None,
    device: str,
    workers: int | None,
    resume: bool,
    seeds: tuple[int, ...] | None,
    depths: tuple[int, ...] | None,
    epochs: int | None,
    data: Path | None,
) -> None:
    """Study handwritten digits paired with spoken ones.

    Trains an image encoder and an audio encoder of every depth and seed, measures on test samples
    how alike their layers are, and writes DIR/report.html. The data is made on the first run,
    without a download. Interrupted, it goes on where it was when started again.

    \b
    Example:
        mmalign study av-digits --preset quick --out results/av-digits
    """
    from .data.paired import standardize
    from .data.sources import load_dataset
    from .report import write_report
    from .study import av_digits_study, run_study

    directory = out or Path(f"study-av-digits-{preset}")
    _refuse_a_study(directory, resume)
    source = source_named(data)
    dataset = standardize(load_dataset(source, progress=True))
    asked = av_digits_study(preset, dataset, seeds=seeds, depths=depths, epochs=epochs)
    run_study(asked, dataset, directory, device=device, workers=workers)
    click.echo(write_report(directory, source=source))


@study.command("synthetic")
@click.option(
    "--preset",
    default="quick",
    show_default=True,
    metavar="NAME",
    help="quick: a coarse grid, about a minute on two cores. paper: every encoder of the paper, "
    "as published. corrected: what the paper asks, with ten seeds, full samples, ceilings, nulls "
    "and intervals.",
)
@_out("synthetic")
@_DEVICE
@_RESUME
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

    from .report.synthetic import write_synthetic_report
    from .study.synthetic import run_synthetic_study, synthetic_study
    from .study.synthetic.tuning import tune as search

    directory = out or Path(f"study-synthetic-{preset}")
    _refuse_a_study(directory, resume)
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


def _refuse_a_study(directory: Path, resume: bool) -> None:
    if not resume and (directory / "study.json").exists():
        raise UserError(
            f"{directory} already holds a study; leave out --no-resume to continue it, or choose "
            "another --out."
        )
