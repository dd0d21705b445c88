"""Samples, labels and splits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .settings import MAX_TRANSFORM_DEPTH, SyntheticSettings
from .task import Task, bits_of, sampling_generator, task_of

Split = dict[str, np.ndarray]


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
    for states in (first, second):
        states.setflags(write=False)
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
    train, rest = _stratified_halves(labels, 0.3, generator)
    valid, test = _stratified_halves(labels[rest], 0.5, generator)
    return {"train": train, "valid": rest[valid], "test": rest[test]}


def _stratified_halves(
    labels: np.ndarray, share: float, generator: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of a stratified split whose second part has the share, rounded up.

    What scikit-learn's ``train_test_split(..., stratify=labels)`` returns and draws, a tenth of its
    time: the reference mode makes two hundred of them.
    """
    second = math.ceil(share * len(labels))
    counts = np.bincount(labels)
    order = np.argsort(labels.astype(np.uint8), kind="stable")  # a radix sort
    classes = np.split(order, np.cumsum(counts)[:-1])
    from_first = _apportioned(counts, len(labels) - second, generator)
    from_second = _apportioned(counts - from_first, second, generator)
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for rows, middle, end in zip(classes, from_first, from_first + from_second, strict=True):
        rows = rows[generator.permutation(len(rows))]
        parts[0].append(rows[:middle])
        parts[1].append(rows[middle:end])
    return tuple(generator.permutation(np.concatenate(part)) for part in parts)


def _apportioned(counts: np.ndarray, draws: int, generator: np.random.RandomState) -> np.ndarray:
    """Share draws among classes by their counts; largest remainders get one more, ties by lot."""
    exact = counts / counts.sum() * draws
    result = np.floor(exact)
    remainders = exact - result
    missing = int(draws - result.sum())
    for remainder in np.unique(remainders)[::-1]:
        if missing == 0:
            break
        tied = np.flatnonzero(remainders == remainder)
        chosen = generator.choice(tied, min(len(tied), missing), replace=False)
        result[chosen] += 1
        missing -= len(chosen)
    return result.astype(np.int64)


def _pack(bits: np.ndarray) -> np.ndarray:
    """Return the whole numbers whose bits, the highest first, are in the last axis."""
    return bits @ (1 << np.arange(bits.shape[-1] - 1, -1, -1))
