"""Which bits decide the label, and how.

A world is ``shared_bits`` bits that both views hold, ``unique_bits`` that view 1 holds and as many
that view 2 holds; all are fair and independent. The label is a noisy function of ``task_bits`` of
them, the same function for every redundancy R: only where its arguments are kept changes, so the
information of both views together and their Bayes accuracy do not depend on R.

*Paper's task* (Tjandrasuwita et al. 2025): softmax of a random linear function, reweighted towards
equal classes. Arguments 1 .. R are shared, the rest is split between the views. Because one softmax
mixes them, taking bits apart makes the views need each other: synergy grows with U faster than
unique information does.

*Balanced task*: the label is two parts of two values each, y = 2a + b. Part a is a noisy function
of half of the task bits, of which u1 are unique to view 1 and the others shared; part b the same
with the other half, u2 and view 2. The parts have no bit in common, so they are independent, and
view 1 holds all that there is to know of a, view 2 of b. In the terms of Bertschinger et al.
(2014): for every q with the marginals (X1, Y) and (X2, Y) of p,
    H_q(Y | X1, X2) <= H(a | X1) + H(b | X2) = H_p(Y | X1, X2),
so p itself attains the least I_q(X1, X2; Y) and synergy is exactly 0 at every U. Part a adds to the
redundancy what its shared bits tell of it, and to the unique information of view 1 the rest; moving
a bit from shared to unique therefore moves information from redundancy to uniqueness alone. Each
part is 0 or 1 with probability 1/2 exactly: its logit changes sign when all bits flip. Its
temperature is solved for, so that both parts together tell as much as the paper's label.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...errors import UserError
from ...optional import require
from .settings import SyntheticSettings, unique_split

BALANCE_ROUNDS = 100
BALANCE_TOLERANCE = 0.01
BALANCED_RATIO = 0.75
"""Each argument of a part weighs this much of the one before. The last become unique first, so that
every step of U moves a fair share of the information."""


@dataclass(frozen=True)
class Task:
    """The label as a function of bits of the world.

    positions:     (task_bits,) int64, which bit of the world each argument is.
    probabilities: (2^task_bits, classes) float64, p(y | arguments), the first argument the highest
                   bit of the row number.
    """

    positions: np.ndarray
    probabilities: np.ndarray


def task_of(settings: SyntheticSettings, redundancy: int) -> Task:
    """Return the label function at a redundancy in 0 .. task_bits. Cost: O(2^task_bits)."""
    positions = _BITS[settings.task](settings, *unique_split(settings, redundancy))
    return Task(positions, label_probabilities(settings))


def label_probabilities(settings: SyntheticSettings) -> np.ndarray:
    """Return p(y | arguments): (2^task_bits, classes) float64, read only."""
    return _label_function(settings)[0]


def sampling_generator(settings: SyntheticSettings) -> np.random.RandomState:
    """Return the legacy generator of ``weights_seed``, standing just after the weights' draws."""
    generator = np.random.RandomState()
    generator.set_state(_label_function(settings)[1])
    return generator


def bits_of(numbers: np.ndarray, count: int) -> np.ndarray:
    """Return (..., count) int64 bits of whole numbers, the highest first."""
    return (numbers[..., None] >> np.arange(count - 1, -1, -1)) & 1


@lru_cache(maxsize=64)
def _label_function(settings: SyntheticSettings) -> tuple[np.ndarray, tuple]:
    generator = np.random.RandomState(settings.weights_seed)
    make = _paper_probabilities if settings.task == "paper" else _balanced_probabilities
    probabilities = make(settings, generator)
    probabilities.setflags(write=False)
    return probabilities, generator.get_state()


def _paper_probabilities(
    settings: SyntheticSettings, generator: np.random.RandomState
) -> np.ndarray:
    weights = generator.uniform(size=(settings.task_bits, settings.classes))
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    arguments = bits_of(np.arange(1 << settings.task_bits), settings.task_bits)
    logits = arguments @ weights / settings.temperature
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return _with_even_classes(probabilities)


def _with_even_classes(probabilities: np.ndarray) -> np.ndarray:
    even = 1.0 / probabilities.shape[1]
    for _ in range(BALANCE_ROUNDS):
        classes = probabilities.mean(axis=0)
        if np.allclose(classes, even, atol=BALANCE_TOLERANCE):
            break
        if classes.min() < np.finfo(float).tiny:
            raise UserError("A class of the label has no probability; choose a higher temperature.")
        probabilities = probabilities * (even / classes)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities


def _balanced_probabilities(
    settings: SyntheticSettings, generator: np.random.RandomState
) -> np.ndarray:
    information = _information(_paper_probabilities(settings, generator)) / 2
    half = settings.task_bits // 2
    logits = (bits_of(np.arange(1 << half), half) - 0.5) @ BALANCED_RATIO ** np.arange(half)
    part = _logistic(logits / _part_temperature(logits, information))
    # Rows: the arguments of a, then those of b. Columns: y = 2 a + b.
    joint = part[:, None, :, None] * part[None, :, None, :]
    return joint.reshape(1 << settings.task_bits, 4)


def _part_temperature(logits: np.ndarray, information: float) -> float:
    """Return the temperature at which a part's bits tell ``information`` nats of it."""

    def excess(log_temperature: float) -> float:
        return _information(_logistic(logits / math.exp(log_temperature))) - information

    low, high = math.log(1e-6), math.log(1e4)
    if excess(low) * excess(high) > 0:
        raise UserError(
            f"No noise makes a part of the balanced task tell {information:.6g} nats; choose "
            "another temperature or weights_seed."
        )
    return math.exp(require("scipy.optimize", "the balanced task").brentq(excess, low, high))


def _logistic(logits: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.stack([expit(-logits), expit(logits)], axis=-1)


def _information(probabilities: np.ndarray) -> float:
    from scipy.special import xlogy

    classes = probabilities.mean(axis=0)
    entropy = -xlogy(classes, classes).sum()
    return float(entropy + xlogy(probabilities, probabilities).sum(axis=1).mean())


def _paper_bits(settings: SyntheticSettings, unique_1: int, unique_2: int) -> np.ndarray:
    shared, first, second = _bit_orders(settings, unique_1, unique_2)
    return np.concatenate([shared, first, second])


def _balanced_bits(settings: SyntheticSettings, unique_1: int, unique_2: int) -> np.ndarray:
    half = settings.task_bits // 2
    order = _shared_order(settings)
    _, first, second = _bit_orders(settings, unique_1, unique_2)
    return np.concatenate(
        [order[: half - unique_1], first, order[half : settings.task_bits - unique_2], second]
    )


def _bit_orders(
    settings: SyntheticSettings, unique_1: int, unique_2: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which shared bits and which of each view's own decide the label, as world bits."""
    redundancy = settings.task_bits - unique_1 - unique_2
    generator = np.random.RandomState(settings.features_seed)
    shared = generator.choice(settings.shared_bits, redundancy, replace=False)
    first = generator.choice(settings.unique_bits, unique_1, replace=False)
    second = generator.choice(settings.unique_bits, unique_2, replace=False)
    return shared, settings.shared_bits + first, settings.view_bits + second


def _shared_order(settings: SyntheticSettings) -> np.ndarray:
    generator = np.random.RandomState(settings.features_seed)
    return generator.permutation(settings.shared_bits)


_BITS = {"paper": _paper_bits, "balanced": _balanced_bits}
