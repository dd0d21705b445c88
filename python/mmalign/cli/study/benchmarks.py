"""What the studies of real datasets share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..options import Numbers
from .options import DEVICE, RESUME, out_option, refuse_a_study

if TYPE_CHECKING:
    from ...data.paired import PairedDataset

_OPTIONS = (
    click.option(
        "--path", type=click.Path(path_type=Path), required=True, help="Where the data is."
    ),
    click.option(
        "--preset",
        default="quick",
        show_default=True,
        metavar="NAME",
        help="quick: 3 seeds x 3 depths and 8 epochs, a first look. paper: 3 seeds x 10 depths, "
        "as published.",
    ),
    DEVICE,
    click.option(
        "--workers", type=int, help="Encoders trained at a time.  [default: one per core]"
    ),
    RESUME,
    click.option("--seeds", type=Numbers(), help='Instead of the preset\'s, such as "2,22,42".'),
    click.option("--depths", type=Numbers(), help='Instead of the preset\'s, such as "1-10".'),
    click.option("--epochs", type=int, help="Instead of the preset's."),
    click.option(
        "--tune",
        is_flag=True,
        help="First search for learning rates and weight decays, in place of the published ones: "
        '25 pairs a view (needs pip install "mmkernels[tune]").',
    ),
)


def benchmark_options(study: str) -> Callable[[Any], Any]:
    """The options of such a study; :func:`run_benchmark` takes them."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed((*_OPTIONS[:2], out_option(study), *_OPTIONS[2:])):
            command = option(command)
        return command

    return add


def run_benchmark(
    name: str,
    load: Callable[[], PairedDataset],
    *,
    preset: str,
    out: Path | None,
    device: str,
    workers: int | None,
    resume: bool,
    tune: bool,
    **replaced: Any,
) -> Path:
    """Load the data, search if asked to, run the study; return its directory."""
    from ...study import run_study
    from ...study.benchmarks import SEARCH_SPACE, benchmark_study
    from ...study.tuning import tune as search
    from ...study.tuning import with_hyperparameters

    directory = out or Path(f"study-{name}-{preset}")
    refuse_a_study(directory, resume)
    dataset = load()
    asked = benchmark_study(name, preset, dataset, **replaced)
    if tune:
        place = directory / "tuning"
        found = search(asked, dataset, place, SEARCH_SPACE, device=device, workers=workers)
        asked = with_hyperparameters(asked, found)
    run_study(asked, dataset, directory, device=device, workers=workers)
    return directory
