"""The data at a balance: the same pictures and sounds, labelled (and where needed paired) anew."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...files import read_json
from ..arrays import open_npy, sha256_of_file
from ..cache import RECIPE_NAME
from ..paired import PairedDataset, paired_dataset, standardize
from .balance import CLASSES, DIGITS, Balance
from .build import FILES
from .samples import COMBINATIONS, split_blocks


@dataclass(frozen=True)
class DigitsAndVoices:
    """Pictures (n, 28, 28) uint8, sounds (n, 20, 36) float32, latents (n, 3) int64, splits.

    Latents are the digit, the turn of the picture and the voice of the sound.
    """

    pictures: np.ndarray
    sounds: np.ndarray
    latents: np.ndarray
    splits: dict[str, np.ndarray]
    seed: int

    def at(self, balance: Balance) -> PairedDataset:
        """Return the data set of a balance, its sounds standardised.

        Views: "image" (n, 28, 28) float32 in [0, 1], "audio" (n, 20, 36) float32. Row i has the
        same picture at every balance, and the same sound at every one without bits of "both".
        """
        labels = balance.label(*self.latents_at(balance).T).astype(np.int64)
        views = {
            "image": self.pictures.astype(np.float32) / np.float32(255),
            "audio": self.sounds[self.partners(balance)],
        }
        name = f"digits-and-voices/{balance.name}"
        return standardize(paired_dataset(name, views, labels, self.splits, CLASSES))

    def latents_at(self, balance: Balance) -> np.ndarray:
        """Return digit seen, turn, digit heard and voice of every sample: (n, 4) int64."""
        heard = self.latents[self.partners(balance)]
        return np.column_stack([self.latents[:, :2], heard[:, 0], heard[:, 2]])

    def partners(self, balance: Balance) -> np.ndarray:
        """Return which sound each picture is paired with: (n,) int64 row numbers.

        Within a split, each digit seen goes equally often with each digit heard that the balance
        allows; which of their sounds is random.
        """
        rows = np.arange(len(self.latents))
        mask = balance.both_mask
        if mask == 0:
            return rows
        generator = np.random.default_rng([self.seed, 3])
        # The digits that the mask's bits make of one another.
        offsets = [offset for offset in range(DIGITS) if offset & ~mask == 0]
        partners = np.empty_like(rows)
        for split in self.splits.values():
            digits = self.latents[split, 0]
            for seen in range(DIGITS):
                own = generator.permutation(split[digits == seen])
                for offset, part in zip(offsets, np.array_split(own, len(offsets)), strict=True):
                    partners[part] = seen ^ offset
            for heard in range(DIGITS):
                wanting = split[partners[split] == heard]
                partners_of = generator.permutation(split[digits == heard])
                rows[wanting] = partners_of
        return rows


def load_digits_and_voices(directory: str | os.PathLike[str]) -> DigitsAndVoices:
    """Read what :func:`mmalign.data.digits_and_voices.build_digits_and_voices` made.

    Raises UserError, naming the file, when one is missing, truncated, or differs from its checksum.
    """
    directory = Path(directory)
    record = read_json(directory / RECIPE_NAME)
    try:
        blocks, seed = (int(record["recipe"][name]) for name in ("blocks", "seed"))
        checksums = {file: record["checksums"][file] for file in FILES}
    except (KeyError, TypeError, ValueError):
        raise UserError(
            f"{directory / RECIPE_NAME} has no recipe of digits and voices; delete {directory} "
            "and make it again."
        ) from None
    for file, expected in checksums.items():
        if sha256_of_file(directory / file) != expected:
            raise UserError(
                f"{directory / file} differs from its checksum in {RECIPE_NAME}; delete "
                f"{directory} and make it again."
            )
    pictures, sounds, latents = (np.array(open_npy(directory / file)) for file in FILES)
    ends = np.cumsum([0, *split_blocks(blocks)]) * COMBINATIONS
    splits = {
        name: np.arange(start, end)
        for name, start, end in zip(("train", "valid", "test"), ends[:-1], ends[1:], strict=True)
    }
    return DigitsAndVoices(pictures, sounds, latents, splits, seed)
