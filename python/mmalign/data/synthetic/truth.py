"""What the views tell of the label, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...information import Decomposition, bayes_accuracy, mutual_information
from .pid_cache import cached_decomposition
from .settings import SyntheticSettings
from .task import Task, task_of


@dataclass(frozen=True)
class GroundTruth:
    """Exact properties of the data at one redundancy; information in nats.

    mi_1, mi_2, mi_joint: I(X1; Y), I(X2; Y), I(X1, X2; Y).
    co_information: mi_1 + mi_2 - mi_joint, redundancy less synergy.
    bayes_1, bayes_2, bayes_joint: the best possible accuracy from view 1, view 2 and both.
    classes: probability of each label.
    pid:    the partial information decomposition, None where it was not asked for.
    """

    mi_1: float
    mi_2: float
    mi_joint: float
    co_information: float
    bayes_1: float
    bayes_2: float
    bayes_joint: float
    classes: tuple[float, ...]
    pid: Decomposition | None


@lru_cache(maxsize=256)
def ground_truth(settings: SyntheticSettings, redundancy: int, *, pid: bool = True) -> GroundTruth:
    """Return what can be known of the data at a redundancy in 0 .. task_bits.

    From the task bits alone: the other bits are independent of them and of the label. All but the
    decomposition takes a millisecond; ``pid`` adds up to a few seconds, once per user.
    """
    task = task_of(settings, redundancy)
    first, second = (_view_table(settings, task, view) for view in (1, 2))
    joint = task.probabilities / len(task.probabilities)
    mi_1, mi_2, mi_joint = map(mutual_information, (first, second, joint))
    return GroundTruth(
        mi_1=mi_1,
        mi_2=mi_2,
        mi_joint=mi_joint,
        co_information=mi_1 + mi_2 - mi_joint,
        bayes_1=bayes_accuracy(first),
        bayes_2=bayes_accuracy(second),
        bayes_joint=bayes_accuracy(joint),
        classes=tuple(joint.sum(axis=0).tolist()),
        pid=cached_decomposition(first, second, mi_joint) if pid else None,
    )


def _view_table(settings: SyntheticSettings, task: Task, view: int) -> np.ndarray:
    """Return p(x, y) of the task bits that a view holds: (2^bits, classes)."""
    hidden = np.flatnonzero(_owner(settings, task) == 3 - view)
    table = task.probabilities.reshape(*[2] * settings.task_bits, settings.classes)
    table = table.sum(axis=tuple(hidden)) / len(task.probabilities)
    return table.reshape(-1, settings.classes)


def _owner(settings: SyntheticSettings, task: Task) -> np.ndarray:
    """Return for each task bit 0 where it is shared, or the view that alone holds it."""
    return np.digitize(task.positions, [settings.shared_bits, settings.view_bits])
