"""What there is to choose about the synthetic data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import UserError

MAX_TRANSFORM_DEPTH = 10
"""Transforms of depth 0 .. 10 come from one random stream, so all are always drawn."""

BASE_TEMPERATURE = 0.05
TEMPERATURE_LEVELS = 10

_CHOICES = {
    "task": ("paper", "balanced"),
    "split": ("reference", "paired"),
    "transform": ("depth", "width"),
    "activation": ("tanh", "sigmoid"),
    "transformed_views": ("2", "both"),
}
_RANGES = {
    "samples": (64, 1 << 22),
    "shared_bits": (1, 10),
    "unique_bits": (1, 4),
    "task_bits": (1, 8),
    "classes": (2, 8),
    "transforms_seed": (0, (1 << 32) - 1),
    "features_seed": (0, (1 << 32) - 1),
    "weights_seed": (0, (1 << 32) - 1),
}


@dataclass(frozen=True)
class SyntheticSettings:
    """Everything that decides the synthetic data but redundancy and transform depth.

    task:       "paper", where U trades redundancy mainly for synergy, or "balanced", where synergy
                is 0 at every U (:mod:`mmalign.data.synthetic.task`).
    split:      "reference": samples, labels and splits of the published generator, to the last
                bit; every (R, depth) has another split. "paired": task bits, labels and split of a
                sample are the same for every R and depth.
    samples:    how many samples are drawn.
    shared_bits, unique_bits: fair bits that both views hold, and that each holds alone.
    task_bits:  bits that decide the label, R of them shared and U = task_bits - R unique.
    classes:    number of labels; the balanced task has 4.
    temperature: noise of the label, > 0; the published levels are ``temperature_at_level(0 .. 9)``.
                The balanced task has the joint information of the paper's task at this temperature.
    transform:  "depth": D hidden layers as wide as a view; "width": one of D^2 times that width.
    activation: of the transform, "tanh" or "sigmoid".
    transformed_views: "2", or "both" with a transform each.
    reconditioned: whiten what is transformed, exactly over all states of a view.
    transforms_seed, features_seed, weights_seed: of the transforms; of the choice which bits
                decide the label; of the label's weights and of the samples.

    Raises UserError for anything else, naming the field.
    """

    task: str = "paper"
    split: str = "reference"
    samples: int = 65536
    shared_bits: int = 8
    unique_bits: int = 4
    task_bits: int = 8
    classes: int = 4
    temperature: float = BASE_TEMPERATURE
    transform: str = "depth"
    activation: str = "tanh"
    transformed_views: str = "2"
    reconditioned: bool = False
    transforms_seed: int = 0
    features_seed: int = 1
    weights_seed: int = 2

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                listed = " or ".join(f'"{choice}"' for choice in allowed)
                raise UserError(f"{name} must be {listed}, got {getattr(self, name)!r}.")
        for name, (low, high) in _RANGES.items():
            check_whole_number(name, getattr(self, name), low, high)
        if not isinstance(self.reconditioned, bool):
            raise UserError(f"reconditioned must be True or False, got {self.reconditioned!r}.")
        number = isinstance(self.temperature, (int, float)) and not isinstance(
            self.temperature, bool
        )
        if not number or not 1e-3 <= self.temperature <= 1e3:
            raise UserError(f"temperature must be in 0.001 .. 1000, got {self.temperature!r}.")
        if self.task_bits > self.shared_bits or self.task_bits > 2 * self.unique_bits:
            raise UserError(
                f"task_bits must be at most shared_bits ({self.shared_bits}), for U = 0, and at "
                f"most twice unique_bits ({2 * self.unique_bits}), for R = 0; got "
                f"{self.task_bits}."
            )
        if self.task == "balanced" and (self.classes != 4 or self.task_bits % 2):
            raise UserError(
                "The balanced task has 4 classes, two parts of the label with two values each, "
                f"and an even number of task_bits; got {self.classes} and {self.task_bits}."
            )

    @property
    def view_bits(self) -> int:
        """Number of bits of a view, and of features after the transform."""
        return self.shared_bits + self.unique_bits

    @property
    def world_bits(self) -> int:
        """Number of bits of both views together: shared, then unique to view 1, then to view 2."""
        return self.shared_bits + 2 * self.unique_bits


def temperature_at_level(level: int) -> float:
    """Return the published temperature 0.05 exp(2 level / 9), level in 0 .. 9.

    Level 0 is the study's; higher levels tell less of the label.
    """
    check_whole_number("level", level, 0, TEMPERATURE_LEVELS - 1)
    return BASE_TEMPERATURE * math.exp(2.0 * level / (TEMPERATURE_LEVELS - 1))


def unique_split(settings: SyntheticSettings, redundancy: int) -> tuple[int, int]:
    """Return how many task bits are unique to view 1 and to view 2; an odd one goes to view 2."""
    check_whole_number("redundancy", redundancy, 0, settings.task_bits)
    unique = settings.task_bits - redundancy
    return unique // 2, unique - unique // 2


def check_whole_number(name: str, value: object, low: int, high: int) -> None:
    """Raise UserError unless ``value`` is an int in low .. high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UserError(f"{name} must be a whole number in {low} .. {high}, got {value!r}.")
