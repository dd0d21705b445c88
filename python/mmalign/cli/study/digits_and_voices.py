"""``mmalign study digits-and-voices``: tasks whose balance of information is known."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import Numbers
from .options import DEVICE, RESUME, out_option, refuse_a_study


@click.command("digits-and-voices")
@click.option(
    "--preset",
    default="quick",
    show_default=True,
    metavar="NAME",
    help="quick: 6 balances, 4 seeds x 4 depths per view, minutes on two cores. full: all 8 "
    "balances, 5 seeds x 10 depths and 60 epochs, hours.",
)
@out_option("digits-and-voices")
@DEVICE
@click.option("--workers", type=int, help="Encoders trained at a time.  [default: one per core]")
@RESUME
@click.option(
    "--balances",
    metavar="NAMES",
    help="Instead of the preset's: of digit (redundant), unique-1, unique-2, unique-3 (one to "
    "three of the label's three bits are in one view alone), voice (only in the sound), both-1, "
    'both-2, both (one to three bits need both views), such as "digit,unique-2,both".',
)
@click.option("--seeds", type=Numbers(), help='Instead of the preset\'s, such as "0-4".')
@click.option("--depths", type=Numbers(), help='Instead of the preset\'s, such as "1,2,4,8".')
@click.option("--epochs", type=int, help="Instead of the preset's.")
def study_digits_and_voices(
    preset: str,
    out: Path | None,
    device: str,
    workers: int | None,
    resume: bool,
    balances: str | None,
    seeds: tuple[int, ...] | None,
    depths: tuple[int, ...] | None,
    epochs: int | None,
) -> None:
    """Study pictures and sounds whose redundancy, uniqueness and synergy are known exactly.

    Names the digit that is seen and heard, the voice, the turn of the picture, the sum of two
    digits, and steps between; trains encoders of every depth and seed for each, compares their
    layers, and writes DIR/report.html. The data is made on the first run, without a download.
    Interrupted, it goes on where it was when started again.

    \b
    Example:
        mmalign study digits-and-voices --preset quick --out results/digits-and-voices
    """
    from ...data.digits_and_voices import build_digits_and_voices, load_digits_and_voices
    from ...report.digits_and_voices import write_digits_and_voices_report
    from ...study.digits_and_voices import digits_and_voices_study, run_digits_and_voices_study

    directory = out or Path(f"study-digits-and-voices-{preset}")
    refuse_a_study(directory, resume)
    names = None if balances is None else [name.strip() for name in balances.split(",")]
    data = load_digits_and_voices(build_digits_and_voices(progress=True))
    asked = digits_and_voices_study(
        preset, data, balances=names, seeds=seeds, depths=depths, epochs=epochs
    )
    run_digits_and_voices_study(asked, data, directory, device=device, workers=workers)
    click.echo(write_digits_and_voices_report(directory, data))
