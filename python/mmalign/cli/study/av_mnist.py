"""``mmalign study av-mnist``: the real AV-MNIST, as published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..options import source_named
from .benchmarks import benchmark_options, run_benchmark


@click.command("av-mnist")
@benchmark_options("av-mnist")
def study_av_mnist(path: Path, **options: Any) -> None:
    """Study the real AV-MNIST as published: digits seen and heard.

    PATH is its directory (image/train_data.npy, ...). The report has the correlations of alignment
    and accuracy beside the published ones. Interrupted, it goes on where it was when started again.

    \b
    Example:
        mmalign study av-mnist --path avmnist_mfcc --preset paper
    """
    from ...data.paired import PairedDataset, standardize
    from ...data.sources import load_dataset
    from ...report import write_report

    source = source_named(path)

    def load() -> PairedDataset:
        return standardize(load_dataset(source))

    directory = run_benchmark("av-mnist", load, **options)
    click.echo(write_report(directory, source=source))
