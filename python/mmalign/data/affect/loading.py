"""From an affect file to samples of 50 steps, as the published experiments prepare them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ...errors import UserError
from ..paired import SPLITS, PairedDataset, paired_dataset
from .layouts import MODALITIES, AffectLayout, affect_layout
from .reading import AffectSplit, affect_file, check_widths, read_affect

STEPS = 50
# Samples converted at a time; blocks of this size stay in the processor's cache.
BLOCK = 64
LARGEST = float(np.finfo(np.float32).max)


def load_affect(path: str | os.PathLike[str], name: str) -> PairedDataset:
    """Load MOSI, MOSEI, UR-FUNNY or MUStARD from MultiBench's file.

    path: the file, or a directory that holds it at its usual place (mosi/mosi_data.pkl,
          mosei/mosei_senti_data.pkl, humor/humor.pkl, sarcasm/sarcasm.pkl).
    name: "mosi", "mosei", "humor" (or "ur-funny"), "sarcasm" (or "mustard").

    Views "vision", "audio", "text": (n, 50, features) float32, with the same padding mask
    (n, 50), True from a sample's length on. Labels: float64 of the regressions mosi and mosei;
    int64, 0 or 1, of humor and sarcasm (where any positive label is 1). Rows: train, valid, test
    in the order of the file.

    Preparation, in this order: samples whose text is all zero are dropped; -inf in audio becomes
    0; vision and audio lose the mean and are divided by the standard deviation that each feature
    has over all training samples and their first 50 steps, padding included (float64; a feature
    that is constant there becomes 0); every sample is cut, in all three views, at its first step
    with text, and 50 steps from there are kept, zeros after them.

    Memory: the result plus a block of samples; the file is mapped. Raises UserError, naming file,
    split and sample, for NaN and any other infinity, labels that the task does not have, features
    of other widths, and all that :func:`.reading.read_affect` refuses.
    """
    layout = affect_layout(name)
    path = affect_file(path, layout)
    splits = read_affect(path)
    check_widths(path, splits, layout)
    labels = {split: _labels(path, split, splits[split], layout) for split in SPLITS}
    starts = {split: first_steps(splits[split].views["text"]) for split in SPLITS}
    kept = {split: np.flatnonzero(starts[split] >= 0) for split in SPLITS}
    for split in SPLITS:
        if len(kept[split]) == 0:
            raise UserError(f"{path}: {split} has no sample whose text is not all zero.")
    views = {modality: _prepare(path, modality, splits, kept, starts) for modality in MODALITIES}
    steps = {split: splits[split].views["text"].shape[1] for split in SPLITS}
    lengths = np.concatenate(
        [np.minimum(steps[split] - starts[split][kept[split]], STEPS) for split in SPLITS]
    )
    padding = np.arange(STEPS) >= lengths[:, None]
    ends = np.cumsum([0, *(len(kept[split]) for split in SPLITS)])
    return paired_dataset(
        layout.name,
        views,
        np.concatenate([labels[split][kept[split]] for split in SPLITS]),
        {split: np.arange(ends[i], ends[i + 1]) for i, split in enumerate(SPLITS)},
        n_classes=1 if layout.task == "regression" else 2,
        padding=dict.fromkeys(MODALITIES, padding),
        task=layout.task,
    )


def first_steps(text: np.ndarray) -> np.ndarray:
    """Return, per sample of (n, steps, features), its first step that is not all zero, or -1."""
    starts = np.empty(len(text), dtype=np.int64)
    for begin in range(0, len(text), BLOCK):
        spoken = (text[begin : begin + BLOCK] != 0).any(axis=2)
        starts[begin : begin + BLOCK] = np.where(spoken.any(axis=1), spoken.argmax(axis=1), -1)
    return starts


def _labels(path: Path, split: str, part: AffectSplit, layout: AffectLayout) -> np.ndarray:
    if layout.task == "regression":
        return part.labels
    if layout.name == "sarcasm":
        return (part.labels > 0).astype(np.int64)
    binary = (part.labels == 0) | (part.labels == 1)
    if not binary.all():
        row = int(np.argmin(binary))
        raise UserError(
            f"{path}: labels of {split} have {part.labels[row]:g} for sample {row}; those of "
            f"{layout.title} are 0 and 1."
        )
    return part.labels.astype(np.int64)


def _prepare(
    path: Path,
    modality: str,
    splits: Mapping[str, AffectSplit],
    kept: Mapping[str, np.ndarray],
    starts: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Return one view of the kept samples, (n, 50, features) float32."""
    width = splits["train"].views[modality].shape[2]
    standardised = modality != "text"
    if standardised:
        shift, scale = _standardisation(path, modality, splits["train"], kept["train"])
    prepared = np.zeros((sum(map(len, kept.values())), STEPS, width), dtype=np.float32)
    row = 0
    for split in SPLITS:
        for rows, values in _blocks(path, split, modality, splits[split], kept[split]):
            if standardised:
                values -= shift
                values *= scale
                _check_finite(f"{path}: {modality} of {split}, standardised,", values, rows)
            for sample, start in zip(values, starts[split][rows], strict=True):
                cut = sample[start : start + STEPS]
                prepared[row, : len(cut)] = cut
                row += 1
    return prepared


def _standardisation(
    path: Path, modality: str, train: AffectSplit, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each feature's mean and 1 / deviation, (features,) float64, 0 where it is constant."""
    width = train.views[modality].shape[2]
    total, low, high = np.zeros(width), np.full(width, np.inf), np.full(width, -np.inf)
    count = 0
    for _, values in _blocks(path, "train", modality, train, rows):
        first = values[:, :STEPS]
        total += first.sum(axis=(0, 1))
        low = np.minimum(low, first.min(axis=(0, 1)))
        high = np.maximum(high, first.max(axis=(0, 1)))
        count += first.shape[0] * first.shape[1]
    mean = total / count
    squares = np.zeros(width)
    for _, values in _blocks(path, "train", modality, train, rows):
        squares += ((values[:, :STEPS] - mean) ** 2).sum(axis=(0, 1))
    deviation = np.sqrt(squares / count)
    # Rounding gives equal numbers a mean beside them and a deviation above 0; their range is 0.
    constant = (low == high) | (deviation == 0)
    return mean, np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))


def _blocks(
    path: Path, split: str, modality: str, part: AffectSplit, rows: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (rows, their values in float64), -inf in audio replaced, all finite."""
    for begin in range(0, len(rows), BLOCK):
        chosen = rows[begin : begin + BLOCK]
        # A signalling NaN makes numpy warn; it is told below.
        with np.errstate(invalid="ignore"):
            values = part.views[modality][chosen].astype(np.float64)
        if modality == "audio":
            values[values == -np.inf] = 0.0
        _check_finite(f"{path}: {modality} of {split}", values, chosen)
        yield chosen, values


def _check_finite(where: str, values: np.ndarray, rows: np.ndarray) -> None:
    # The extremes tell of NaN, infinity and too large numbers without a mask of the block's size.
    if values.min() >= -LARGEST and values.max() <= LARGEST:
        return
    sample, step, feature = np.argwhere(~(np.abs(values) <= LARGEST))[0]
    raise UserError(
        f"{where} has {values[sample, step, feature]} in sample {rows[sample]}, step {step}, "
        f"feature {feature}; expected finite numbers (in audio also -inf, which counts as 0)."
    )
