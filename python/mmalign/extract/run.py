"""Samples through a model, into a feature file."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from ..data.safetensors_file import read_feature_header
from ..errors import UserError
from .batches import WINDOW, Item, is_out_of_memory, next_batch, plan_order, token_budget
from .encoder import Encoded, Encoder
from .feature_file import FORMAT, TensorSpec, layer_name
from .loading import DTYPES
from .partial import PartialFeatures, first_difference, only_writer, remove_leftovers
from .progress import ExtractionProgress
from .samples import Samples
from .source import ModelSource

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Extraction:
    """What to do with a model and samples.

    pooling: None for the model's usual one. layers: None for all. dtype: of the model's weights
    and arithmetic, and of the features. device: of torch. padding, max_tokens: of texts.
    """

    pooling: str | None = None
    layers: tuple[int, ...] | None = None
    dtype: str = "float32"
    device: str = "cpu"
    padding: str = "right"
    max_tokens: int | None = None


def extract_features(
    source: ModelSource,
    samples: Samples,
    out: str | os.PathLike[str],
    extraction: Extraction,
    console: Console,
) -> Path:
    """Write the features of ``samples`` as one safetensors file and return its path.

    out: a file, or a directory for MODEL--DATA--POOLING.safetensors. Row i of each tensor
    layer_000 (the input of the first block), layer_001, ... is sample i; a causal language model
    adds bits_per_byte (n,) float64. Memory: the model, a batch and a window of samples, whatever
    n is. What is done is kept through any kind of stop, and the same call goes on; the finished
    file has the bytes it would have had. A file of the same model, data and settings is returned
    as it is.

    Raises UserError for input at fault, NaN and infinity among the features, a full disk, another
    process at the same file, and a file or partial of other settings there.
    """
    encoder = build_encoder(source, samples.modality, extraction)
    path = feature_path(out, source, samples, encoder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with only_writer(path):
        probe = encoder.encode(_first_item(encoder, samples))
        layers = _chosen_layers(extraction.layers, len(probe.layers))
        specs = _specs(probe, layers, samples.n, extraction.dtype)
        meta = _account(source, samples, encoder, extraction, layers, probe)
        if path.exists():
            _same_or_error(path, meta)
            remove_leftovers(path)
            console.print(f"{path} is there already.", markup=False, soft_wrap=True)
            return path
        partial = PartialFeatures(path, specs, meta, samples.n)
        try:
            _fill(partial, encoder, samples, layers, extraction, console)
        finally:
            partial.close()
    return path


def build_encoder(source: ModelSource, modality: str, extraction: Extraction) -> Encoder:
    """Load the model, or the tower of it that takes ``modality``."""
    if extraction.dtype not in DTYPES:
        raise UserError(f"dtype must be one of {', '.join(DTYPES)}, got {extraction.dtype!r}.")
    common = (source, extraction.pooling, extraction.dtype, extraction.device)
    if modality == "text":
        from .text_encoder import TextEncoder

        return TextEncoder(*common, extraction.padding, extraction.max_tokens)
    if extraction.padding != "right" or extraction.max_tokens is not None:
        raise UserError("--padding and --max-tokens are for texts.")
    if modality == "audio":
        from .audio_encoder import AudioEncoder

        return AudioEncoder(*common)
    from .timm_encoder import TimmEncoder, is_timm

    if is_timm(source):
        return TimmEncoder(*common)
    from .image_encoder import ImageEncoder

    return ImageEncoder(*common)


def feature_path(
    out: str | os.PathLike[str], source: ModelSource, samples: Samples, encoder: Encoder
) -> Path:
    """Return where the features go: ``out``, or a name of their own in that directory."""
    out = Path(out)
    if out.suffix == SUFFIX:
        return out
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; expected a directory or a name ending in {SUFFIX}.")
    name = f"{source.name}--{samples.name}--{encoder.pooling}".replace("/", "_")
    return out / f"{name}{SUFFIX}"


def _fill(
    partial: PartialFeatures,
    encoder: Encoder,
    samples: Samples,
    layers: Sequence[int],
    extraction: Extraction,
    console: Console,
) -> None:
    device = torch.device(extraction.device).type
    budget = partial.budget or token_budget(encoder.bytes_per_token, device)
    bar = ExtractionProgress(partial.path.stem, samples.n, partial.done, console)
    with _kept(partial, samples.n), bar:
        if partial.lost:
            bar.say(f"A part of {partial.partial} was damaged and is computed again.")
        if partial.done:
            bar.say(f"Going on after {partial.done} of {samples.n} samples.")
        for start, window in samples.windows(WINDOW):
            if partial.done >= start + len(window):
                continue
            order = plan_order(encoder.measure(window, start))
            while (position := partial.done - start) < len(order):
                batch = next_batch(order, position, budget, pads=encoder.pads)
                try:
                    encoded = encoder.encode(batch)
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                    budget = _halved(batch, error)
                    bar.say(f"Out of memory with {len(batch)} samples; going on with fewer.")
                    continue
                arrays = _arrays(encoded, layers, batch, extraction.dtype)
                rows = [item.row for item in batch]
                partial.write(rows, arrays, budget, {"cut": sum(item.cut for item in batch)})
                bar.advance(len(batch))
        if partial.done != samples.n:
            raise UserError(f"The data changed: {samples.n} samples before, now {partial.done}.")
        for note in _notes(partial):
            bar.say(note)
        partial.finish()


def _halved(batch: Sequence[Item], error: BaseException) -> int:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    longest = batch[0].length
    if len(batch) == 1:
        raise UserError(
            f"Sample {batch[0].row} alone ({longest} tokens) does not fit in memory; allow fewer "
            "tokens, a smaller type or another device."
        ) from error
    return (len(batch) // 2) * longest


def _arrays(
    encoded: Encoded, layers: Sequence[int], batch: Sequence[Item], dtype: str
) -> dict[str, np.ndarray]:
    """Chosen layers in the type they are stored in; NaN and infinity are UserErrors."""
    arrays = dict(encoded.extras)
    for layer in layers:
        states = encoded.layers[layer].to(getattr(torch, dtype))
        finite = torch.isfinite(states).all(1)
        if not finite.all():
            row = batch[int((~finite).nonzero()[0])].row
            hint = ", whose range is small: bfloat16 has more" if dtype == "float16" else ""
            raise UserError(
                f"The model gives NaN or infinity for sample {row} in {layer_name(layer)}, "
                f"computed in {dtype}{hint}."
            )
        bits = states.view(torch.int16) if dtype == "bfloat16" else states
        arrays[layer_name(layer)] = bits.numpy()
    return arrays


def _first_item(encoder: Encoder, samples: Samples) -> list[Item]:
    _, window = next(samples.windows(1))
    return encoder.measure(window, 0)


def _chosen_layers(asked: tuple[int, ...] | None, count: int) -> list[int]:
    if asked is None:
        return list(range(count))
    if beyond := [layer for layer in asked if layer >= count]:
        raise UserError(
            f"--layers names {beyond[0]}; the model has 0 (the input of the first block) to "
            f"{count - 1}."
        )
    return sorted(asked)


def _specs(probe: Encoded, layers: Sequence[int], n: int, dtype: str) -> list[TensorSpec]:
    # The widest type comes first, so that every tensor lies at a multiple of its type's size.
    specs = [TensorSpec(name, "float64", (n,)) for name in probe.extras]
    return specs + [
        TensorSpec(layer_name(layer), dtype, (n, probe.layers[layer].shape[1])) for layer in layers
    ]


def _account(
    source: ModelSource,
    samples: Samples,
    encoder: Encoder,
    extraction: Extraction,
    layers: Sequence[int],
    probe: Encoded,
) -> dict[str, Any]:
    packages = ("mmkernels", "numpy", "torch", *encoder.packages)
    return {
        "format": FORMAT,
        "model": source.name,
        "revision": source.revision,
        "parameters": encoder.parameters,
        "modality": samples.modality,
        "data": {"name": samples.name, "sha256": samples.sha256, "n": samples.n},
        "pooling": encoder.pooling,
        "dtype": extraction.dtype,
        "device": torch.device(extraction.device).type,
        "layers": [layer_name(layer) for layer in layers],
        "last_layer": {
            "name": layer_name(len(probe.layers) - 1),
            "passed_final_norm": probe.last_is_normed,
        },
        "preprocessing": encoder.preprocessing,
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "counts": {"cut": 0},
    }


def _same_or_error(path: Path, meta: dict[str, Any]) -> None:
    there = {**(read_feature_header(path) or {}), "counts": meta["counts"]}
    there.pop("sha256", None)
    difference = first_difference(there, meta)
    if difference is not None:
        raise UserError(
            f"{path} is there already, of other settings ({difference}); delete it or choose "
            "another --out."
        )


def _notes(partial: PartialFeatures) -> Iterator[str]:
    if partial.counts["cut"]:
        yield f"{partial.counts['cut']} samples were longer than the model takes and were cut."
    if "bits_per_byte" in partial.names:
        undefined = int(np.isnan(partial.view("bits_per_byte")).sum())
        if undefined:
            yield f"{undefined} texts have no bits per byte: cut, or a single token."


@contextmanager
def _kept(partial: PartialFeatures, n: int) -> Iterator[None]:
    """Keep what is done when a run stops, and say so."""
    try:
        yield
    except KeyboardInterrupt:
        partial.commit()
        raise KeyboardInterrupt(
            f"Stopped. {partial.done} of {n} samples are kept; the same command goes on."
        ) from None
    except OSError as error:
        raise UserError(
            f"{partial.path} is not finished: {error.filename or 'a file'}: "
            f"{error.strerror or error}. What is done is kept; the same command goes on."
        ) from None
    except Exception:
        partial.commit()
        raise
