"""``mmalign extract``: the layers of a model, for samples on disk."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..errors import UserError
from .options import Numbers


class Layers(Numbers):
    """Whole numbers, or the word "all"."""

    name = "all|numbers"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...] | None:
        return None if value == "all" else super().convert(value, param, ctx)


@click.command()
@click.option("--model", required=True, metavar="DIR|hf:OWNER/NAME", help="A saved model.")
@click.option(
    "--data",
    required=True,
    metavar="FILE|DIR|hf:OWNER/NAME",
    help="Texts (.txt, .jsonl, .json, .csv, .parquet), or a directory of images or sounds.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR|FILE",
    help="A directory, or a name ending in .safetensors.",
)
@click.option(
    "--pool",
    type=click.Choice(["cls", "mean", "last"]),
    help="One vector a sample.  [default: a sentence encoder's own; images: cls; else: mean]",
)
@click.option(
    "--layers",
    type=Layers(),
    default="all",
    show_default=True,
    help='Such as "0,6,12" or "0-12"; 0 is the input of the first block.',
)
@click.option("--column", metavar="NAME", help="Of a file with several columns.")
@click.option("--split", metavar="NAME", help="Of data of a hub.  [default: train]")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="Of weights, arithmetic and features.",
)
@click.option(
    "--device", default="auto", show_default=True, help="auto is cuda where there is one, or cpu."
)
@click.option(
    "--padding",
    type=click.Choice(["right", "left"]),
    default="right",
    show_default=True,
    help="Where texts are padded; no difference but rounding.",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    help="Cut texts to this.  [default: what the model takes]",
)
@click.option(
    "--platonic",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write DIR/DATA/MODEL_pool-POOL.pt, which platonic-rep's scripts read.",
)
def extract(
    model: str,
    data: str,
    out: Path,
    pool: str | None,
    layers: tuple[int, ...] | None,
    column: str | None,
    split: str | None,
    dtype: str,
    device: str,
    padding: str,
    max_tokens: int | None,
    platonic: Path | None,
) -> None:
    """Write the hidden states of a model, pooled, one row a sample, every layer.

    Language models (with bits per byte where they predict the next token), sentence encoders,
    vision transformers, both towers of CLIP, wav2vec 2.0, HuBERT, Whisper and the audio
    spectrogram transformer, from directories as transformers (or timm) saves them. Nothing is
    fetched unless a name begins with hf:, and no code that comes with a model is run. A stopped
    run goes on with the same command. Prints the file, which mmalign measure reads.

    \b
    Examples:
        mmalign extract --model models/gpt2 --data captions.txt --out features
        mmalign extract --model models/dinov2 --data images --out features --pool cls
    """
    if not (model.startswith("hf:") or data.startswith("hf:")):
        # The hub's libraries read it once, when they are imported.
        os.environ["HF_HUB_OFFLINE"] = "1"
    from rich.console import Console

    from ..extract import Extraction, extract_features, open_samples, open_source
    from ..optional import require

    torch = require("torch", "models")
    logging = require("transformers.utils.logging", "models", "models")
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise UserError(f"--device {device} is not there; expected cpu, cuda or auto.") from None
    source = open_source(model)
    samples = open_samples(data, column, split)
    asked = Extraction(pool, layers, dtype, device, padding, max_tokens)
    path = extract_features(source, samples, out, asked, Console(stderr=True))
    click.echo(path)
    if platonic is not None:
        from ..extract.platonic import write_platonic

        click.echo(write_platonic(path, platonic))
