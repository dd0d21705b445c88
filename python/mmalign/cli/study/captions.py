"""``mmalign study captions``: pictures, and captions that tell less and less of them."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import UserError
from .options import DEVICE, RESUME, refuse_a_study


@click.command("captions")
@click.argument("captions", type=click.Path(path_type=Path), metavar="SETS.json")
@click.option(
    "--vision",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Features of the pictures, DIR/MODEL.safetensors or DIR/FAMILY/MODEL.safetensors, rows "
    "in the order of the captions.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Features of the captions with bits_per_byte, DIR/LEVEL/MODEL.safetensors.  "
    "[default: DIR/features of --out]",
)
@click.option(
    "--language-model",
    "language_models",
    multiple=True,
    metavar="DIR|hf:OWNER/NAME",
    help="First extract these features, where they are missing. Repeat for several models.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="Of the language models.",
)
@DEVICE
@click.option("--k", type=click.IntRange(1), default=10, show_default=True, help="Neighbours.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("study-captions"),
    show_default=True,
    metavar="DIR",
    help="Where results go.",
)
@RESUME
def study_captions(
    captions: Path,
    vision: Path,
    features: Path | None,
    language_models: tuple[str, ...],
    dtype: str,
    device: str,
    k: int,
    out: Path,
    resume: bool,
) -> None:
    """Study alignment of pictures and captions against uniqueness and bits per byte.

    SETS.json holds every caption at several levels of change; mmalign data captions makes such
    files. At every level every layer of every language model is compared with every layer of every
    vision model. The report in DIR/report.html holds caption length fixed, too, and goes down to
    single captions. Interrupted, the study goes on where it was when started again.

    \b
    Example:
        mmalign study captions sets.json --vision features/vit --language-model models/bloomz-560m
    """
    from rich.console import Console

    from ...captions import load_caption_sets
    from ...data.arrays import sha256_of_file
    from ...report.captions import write_caption_report
    from ...study.captions import CaptionStudy, run_caption_study

    refuse_a_study(out, resume)
    if features is None and not language_models and not (out / "features").is_dir():
        raise UserError("Give --features, or --language-model to extract them from.")
    features = features or out / "features"
    console = Console(stderr=True)
    sets = load_caption_sets(captions)
    if language_models:
        from ...study.captions.extraction import extract_levels
        from ...training.determinism import resolve_device

        extract_levels(
            sets,
            sets.levels,
            language_models,
            features,
            dtype=dtype,
            device=str(resolve_device(device)),
            console=console,
        )
    study = CaptionStudy(captions, sha256_of_file(captions), vision, features, sets.levels, k)
    run_caption_study(study, out, console=console)
    click.echo(write_caption_report(out))
