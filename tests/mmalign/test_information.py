from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from mmalign.errors import UserError
from mmalign.information import bayes_accuracy, broja, decomposition, mutual_information
from mmalign.information.least_information import least_information

LN2 = np.log(2)


def gate(label, sizes=(2, 2)) -> np.ndarray:
    """Table of y = label(x1, x2) for independent uniform states."""
    pairs = [(a, b) for a in range(sizes[0]) for b in range(sizes[1])]
    table = np.zeros((*sizes, max(label(a, b) for a, b in pairs) + 1))
    for a, b in pairs:
        table[a, b, label(a, b)] = 1 / len(pairs)
    return table


def pair_and_bit(label) -> np.ndarray:
    """x1 = (a, b), x2 = b, y = label(a, b)."""
    table = np.zeros((4, 2, 2))
    for a in (0, 1):
        for b in (0, 1):
            table[2 * a + b, b, label(a, b)] = 0.25
    return table


def same() -> np.ndarray:
    table = np.zeros((2, 2, 2))
    table[0, 0, 0] = table[1, 1, 1] = 0.5
    return table


# Redundancy, unique to x1, unique to x2, synergy, in bits (Bertschinger et al. 2014).
GATES = {
    "and": (gate(lambda a, b: a & b), (0.311278, 0, 0, 0.5)),
    "or": (gate(lambda a, b: a | b), (0.311278, 0, 0, 0.5)),
    "xor": (gate(lambda a, b: a ^ b), (0, 0, 0, 1)),
    "first": (gate(lambda a, _: a), (0, 1, 0, 0)),
    "second": (gate(lambda _, b: b), (0, 0, 1, 0)),
    "copy": (gate(lambda a, b: 2 * a + b), (0, 1, 1, 0)),
    "same": (same(), (1, 0, 0, 0)),
    "a and b given (a, b), b": (pair_and_bit(lambda a, b: a & b), (0.311278, 0.5, 0, 0)),
    "a or b given (a, b), b": (pair_and_bit(lambda a, b: a | b), (0.311278, 0.5, 0, 0)),
    "a xor b given (a, b), b": (pair_and_bit(lambda a, b: a ^ b), (0, 1, 0, 0)),
}


def parts(result) -> list[float]:
    return [result.redundancy, result.unique_1, result.unique_2, result.synergy]


def random_table(seed: int, shape=(3, 4, 3), zeros: float = 0.0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    table = generator.gamma(0.5, size=shape) * (generator.random(shape) >= zeros)
    return table / table.sum()


@pytest.mark.parametrize("name", GATES)
def test_gates(name):
    table, bits = GATES[name]
    result = broja(table)
    assert parts(result) == pytest.approx(np.multiply(bits, LN2), abs=1e-6)
    assert 0 <= result.gap <= 1e-7


def by_another_method(table: np.ndarray) -> float:
    """I* of a (2, 2, classes) table: one free number per class, by a search without gradients."""
    independent = table.sum(axis=1)[:, None] * table.sum(axis=0)[None] / table.sum(axis=(0, 1))
    turn = np.array([[1.0, -1.0], [-1.0, 1.0]])[..., None]
    bounds = [
        (-min(q[0, 0], q[1, 1]), min(q[0, 1], q[1, 0])) for q in independent.transpose(2, 0, 1)
    ]
    found = minimize(
        lambda t: mutual_information(np.maximum(independent + turn * t, 0).reshape(4, -1)),
        np.zeros(table.shape[2]),
        method="Nelder-Mead",
        bounds=bounds,
        options={"xatol": 1e-9, "fatol": 1e-12, "maxfev": 5000},
    )
    return float(found.fun)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_random_tables_agree_with_another_optimiser(seed, classes):
    table = random_table(seed, (2, 2, classes))
    result = broja(table)
    least = mutual_information(table.sum(axis=0)) + result.unique_1
    assert least == pytest.approx(by_another_method(table), abs=2e-7)
    assert result.gap <= 1e-7


@pytest.mark.parametrize("zeros", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_parts_add_up_and_are_not_negative(seed, zeros):
    table = random_table(seed, (6, 5, 4), zeros)
    result = broja(table)
    assert sum(parts(result)) == pytest.approx(mutual_information(table.reshape(-1, 4)), abs=1e-12)
    assert min(parts(result)) > -1e-7
    assert result.gap <= 1e-7
    assert result.redundancy + result.unique_1 == pytest.approx(
        mutual_information(table.sum(axis=1)), abs=1e-12
    )


def test_both_ends_of_the_bracket_close_in_on_the_same_value():
    table = random_table(1, (8, 8, 3))
    first, second = table.sum(axis=1), table.sum(axis=0)
    exact = least_information(first, second, 1e-9)
    for tolerance in (1e-1, 1e-3, 1e-5):
        rough = least_information(first, second, tolerance)
        assert rough.lower <= exact.upper + 1e-12
        assert rough.upper >= exact.lower - 1e-12
        assert rough.upper - rough.lower <= tolerance


def test_swapping_the_views_swaps_the_unique_parts():
    table = random_table(2)
    one, other = broja(table), broja(table.transpose(1, 0, 2))
    assert parts(other) == pytest.approx(np.array(parts(one))[[0, 2, 1, 3]], abs=2e-7)


def test_states_that_tell_the_same_count_once():
    table = random_table(3)
    split = np.repeat(table, 2, axis=0) / 2
    assert parts(broja(split)) == pytest.approx(parts(broja(table)), abs=2e-7)


def test_states_and_classes_that_never_occur_change_nothing():
    table = random_table(4)
    padded = np.pad(table, ((0, 1), (1, 0), (0, 2)))
    assert parts(broja(padded)) == pytest.approx(parts(broja(table)), abs=2e-7)


def test_probabilities_of_very_different_size():
    table = random_table(5, (6, 6, 3)) ** 8
    result = broja(table / table.sum())
    assert result.gap <= 1e-7
    assert min(parts(result)) > -1e-7


def test_the_same_bits_for_any_number_of_threads():
    from threadpoolctl import threadpool_limits

    table = random_table(6, (24, 24, 4))
    with threadpool_limits(1):
        one = broja(table)
    assert broja(table) == one


def test_marginals_and_information_suffice():
    table = random_table(7)
    mi_joint = mutual_information(table.reshape(-1, 3))
    assert decomposition(table.sum(axis=1), table.sum(axis=0), mi_joint) == broja(table)


def test_mutual_information_and_bayes_accuracy_of_a_noisy_bit():
    joint = np.array([[0.4, 0.1], [0.1, 0.4]])
    noise = -(0.8 * np.log(0.8) + 0.2 * np.log(0.2))
    assert mutual_information(joint) == pytest.approx(LN2 - noise)
    assert bayes_accuracy(joint) == pytest.approx(0.8)
    assert mutual_information(np.full((2, 2), 0.25)) == 0


WRONG = [
    (
        lambda: broja(np.zeros((2, 2))),
        r"joint must have 3 axes and be not empty, got shape \(2, 2\)",
    ),
    (lambda: broja(np.full((2, 2, 2), 0.2)), "joint must sum to 1, got 1.6"),
    (lambda: mutual_information(np.array([[1.5, -0.5]])), "negative or non-finite"),
    (lambda: bayes_accuracy(np.array([[np.nan, 1.0]])), "negative or non-finite"),
    (lambda: mutual_information(np.zeros((0, 2))), "not empty"),
    (
        lambda: decomposition(np.array([[0.5, 0.5]]), np.array([[0.4, 0.6]]), 0.0),
        r"same classes with the same p\(y\)",
    ),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_what_is_not_a_distribution_is_refused(call, message):
    with pytest.raises(UserError, match=message):
        call()
