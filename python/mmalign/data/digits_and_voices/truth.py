"""What the views tell of the label at a balance, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ...information import Decomposition, bayes_accuracy, broja, mutual_information
from .balance import CLASSES, DIGITS, TURNS, VOICES, Balance


@dataclass(frozen=True)
class GroundTruth:
    """Exact properties of a balance; information in nats.

    mi_1, mi_2, mi_joint: what the picture, the sound and both tell of the label.
    bayes_1, bayes_2, bayes_joint: the best possible accuracy from each.
    entropy: of the label. pid: the partial information decomposition.

    All of them are those of the latent variables (digit and turn, digit and voice). A picture
    that cannot be read and a word drowned in noise tell less, so that they bound what pictures and
    sounds tell.
    """

    mi_1: float
    mi_2: float
    mi_joint: float
    entropy: float
    bayes_1: float
    bayes_2: float
    bayes_joint: float
    pid: Decomposition


def joint_table(balance: Balance) -> np.ndarray:
    """Return p(x1, x2, y), float64 (32, 64, 8): x1 is (digit, turn), x2 is (digit, voice)."""
    seen, turn, heard, voice = np.ogrid[:DIGITS, :TURNS, :DIGITS, :VOICES]
    possible = ((seen ^ heard) & ~balance.both_mask) == 0
    label = balance.label(seen, turn, heard, voice)
    table = (label[..., None] == np.arange(CLASSES)) & possible[..., None]
    table = table.reshape(DIGITS * TURNS, DIGITS * VOICES, CLASSES)
    return table / table.sum()


@cache
def ground_truth(balance: Balance) -> GroundTruth:
    """Return what is known of a balance, from :func:`joint_table`: milliseconds."""
    joint = joint_table(balance)
    first, second = joint.sum(axis=1), joint.sum(axis=0)
    both = joint.reshape(-1, CLASSES)
    classes = both.sum(axis=0)
    return GroundTruth(
        mi_1=mutual_information(first),
        mi_2=mutual_information(second),
        mi_joint=mutual_information(both),
        entropy=float(-(classes * np.log(classes)).sum()),
        bayes_1=bayes_accuracy(first),
        bayes_2=bayes_accuracy(second),
        bayes_joint=bayes_accuracy(both),
        pid=broja(joint),
    )
