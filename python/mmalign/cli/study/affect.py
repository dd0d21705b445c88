"""``mmalign study affect``: sentiment, humour and sarcasm in what people say and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .benchmarks import benchmark_options, run_benchmark

# Of mmalign.study.benchmarks.AFFECT, whose import takes seconds.
DATASETS = ("mosi", "mosei", "ur-funny", "mustard")


@click.command("affect")
@click.option(
    "--dataset",
    type=click.Choice(DATASETS),
    required=True,
    help="Which of them: its encoders and how they are trained.",
)
@benchmark_options("DATASET")
def study_affect(dataset: str, path: Path, **options: Any) -> None:
    """Study speakers' faces, voices and words: MOSI, MOSEI, UR-FUNNY or MUStARD.

    Trains transformers of every depth and seed on each of the three views, measures on test
    samples how alike their layers are, and writes DIR/report.html with the correlations of
    alignment and accuracy beside the published ones. PATH is the file of MultiBench (such as
    mosi_data.pkl) or the directory that holds it at its usual place (mosi/mosi_data.pkl);
    "mmalign data check PATH" tells what it holds. Interrupted, it goes on where it was when started
    again.

    \b
    Example:
        mmalign study affect --dataset mosi --path mosi_data.pkl --preset paper
    """
    from ...data.affect import load_affect
    from ...report import write_report

    directory = run_benchmark(dataset, lambda: load_affect(path, dataset), **options)
    click.echo(write_report(directory))
