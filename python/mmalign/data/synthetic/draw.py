"""Samples, labels and splits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...optional import require
from .settings import MAX_TRANSFORM_DEPTH, SyntheticSettings
from .task import Task, bits_of, sampling_generator, task_of

Split = dict[str, np.ndarray]

_PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Draw:
    """Samples at one redundancy: world of each sample, its label, and a split per depth."""

    worlds: np.ndarray
    labels: np.ndarray
    splits: tuple[Split, ...]

    def split(self, transform_depth: int) -> Split:
        return self.splits[transform_depth % len(self.splits)]


@lru_cache(maxsize=16)
def draw_samples(settings: SyntheticSettings, redundancy: int) -> Draw:
    """Draw the samples at a redundancy, with their splits.

    In the reference mode the draws are those of the published generator, which seeds once per
    redundancy and goes on: the split of depth D depends on those of depths 0 .. D - 1. In the
    paired mode the task's arguments, the labels and the one split are the same for every
    redundancy; what changes is which bits of the world the arguments are.
    """
    task = task_of(settings, redundancy)
    generator = sampling_generator(settings)
    if settings.split == "reference":
        worlds = _reference_worlds(settings, generator)
        arguments = _pack(bits_of(worlds, settings.world_bits)[:, task.positions])
    else:
        worlds, arguments = _paired_worlds(settings, task, generator)
    labels = _labels(task.probabilities[arguments], generator)
    depths = MAX_TRANSFORM_DEPTH + 1 if settings.split == "reference" else 1
    splits = tuple(_stratified_split(labels, generator) for _ in range(depths))
    for array in (worlds, labels, *(rows for split in splits for rows in split.values())):
        array.setflags(write=False)
    return Draw(worlds, labels, splits)


def view_states(settings: SyntheticSettings, worlds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each sample's state in view 1 and in view 2: shared bits, then the view's own."""
    own = settings.unique_bits
    shared = worlds >> (2 * own)
    first = worlds >> own
    second = (shared << own) | (worlds & ((1 << own) - 1))
    return first, second


def _reference_worlds(settings: SyntheticSettings, generator: np.random.RandomState) -> np.ndarray:
    worlds = np.zeros(settings.samples, dtype=np.int64)
    for bits in (settings.shared_bits, settings.unique_bits, settings.unique_bits):
        even = np.full(1 << bits, 1.0 / (1 << bits))
        worlds = (worlds << bits) | generator.choice(1 << bits, settings.samples, p=even)
    return worlds


def _paired_worlds(
    settings: SyntheticSettings, task: Task, generator: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    bits = generator.randint(0, 2, size=(settings.samples, settings.world_bits))
    others = np.setdiff1d(np.arange(settings.world_bits), task.positions)
    world_bits = np.empty_like(bits)
    world_bits[:, np.concatenate([task.positions, others])] = bits
    return _pack(world_bits), _pack(bits[:, : settings.task_bits])


def _labels(probabilities: np.ndarray, generator: np.random.RandomState) -> np.ndarray:
    # One uniform number each, looked up in the cumulated probabilities: what a weighted choice
    # per sample does.
    cumulated = probabilities.cumsum(axis=1)
    cumulated /= cumulated[:, -1:]
    uniform = generator.random_sample(len(probabilities))
    return (cumulated <= uniform[:, None]).sum(axis=1)


def _stratified_split(labels: np.ndarray, generator: np.random.RandomState) -> Split:
    """Return rows for training (70 %), validation and testing (15 % each), in random order."""
    split = require("sklearn.model_selection", "the splits of synthetic data").train_test_split
    rows = np.arange(len(labels))
    train, rest = split(rows, test_size=0.3, stratify=labels, random_state=generator)
    valid, test = split(rest, test_size=0.5, stratify=labels[rest], random_state=generator)
    return dict(zip(_PARTS, (train, valid, test), strict=True))


def _pack(bits: np.ndarray) -> np.ndarray:
    """Return the whole numbers whose bits, the highest first, are in the last axis."""
    return bits @ (1 << np.arange(bits.shape[-1] - 1, -1, -1))
