"""``mmalign study av-digits``: digits seen and heard."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import Numbers, source_named
from .options import DEVICE, RESUME, out_option, refuse_a_study


@click.command("av-digits")
@click.option(
    "--preset",
    default="quick",
    show_default=True,
    metavar="NAME",
    help="quick: 3 seeds x 4 depths per view, minutes on two cores. full: 5 seeds x 10 depths and "
    "100 epochs, hours.",
)
@out_option("av-digits")
@DEVICE
@click.option("--workers", type=int, help="Encoders trained at a time.  [default: one per core]")
@RESUME
@click.option("--seeds", type=Numbers(), help='Instead of the preset\'s, such as "0-4".')
@click.option("--depths", type=Numbers(), help='Instead of the preset\'s, such as "1,2,4,8".')
@click.option("--epochs", type=int, help="Instead of the preset's.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A directory of the real AV-MNIST (image/train_data.npy, ...) to study in place of the "
    "built-in digits; mmalign study av-mnist studies it as published.",
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
    from ...data.paired import standardize
    from ...data.sources import load_dataset
    from ...report import write_report
    from ...study import av_digits_study, run_study

    directory = out or Path(f"study-av-digits-{preset}")
    refuse_a_study(directory, resume)
    source = source_named(data)
    dataset = standardize(load_dataset(source, progress=True))
    asked = av_digits_study(preset, dataset, seeds=seeds, depths=depths, epochs=epochs)
    run_study(asked, dataset, directory, device=device, workers=workers)
    click.echo(write_report(directory, source=source))
