from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from mmalign.data.synthetic import SyntheticSettings, synthetic_data, temperature_at_level
from mmalign.data.synthetic.draw import _stratified_split
from mmalign.data.synthetic.generate import _standardised
from mmalign.data.synthetic.transforms import view_tables
from mmalign.errors import UserError

PAPER = SyntheticSettings()
SMALL = SyntheticSettings(samples=2000)


def digest(*arrays: np.ndarray) -> str:
    joined = b"".join(np.ascontiguousarray(array, dtype="<i8").tobytes() for array in arrays)
    return hashlib.sha256(joined).hexdigest()[:16]


# The published generator, MeganTj/multimodal_alignment at commit 20f2286, was run whole: labels,
# splits and both standardised views of all 99 cells are equal to the last bit. Labels, and the rows
# of train, valid and test at depth 10, the last of eleven splits that each depend on those before:
REFERENCE = [
    ("fa432a0f7a12ba4e", "5d3e0e52590feffd", [16807, 15867, 16845, 16017]),
    ("af763b21832bae95", "0523be6e90ed85b9", [16934, 15724, 16825, 16053]),
    ("75ea0e8cf96ae255", "9244cdf50c3dd184", [16657, 15748, 16932, 16199]),
    ("86c4211150c33f28", "f6f970e07164ab22", [16743, 15928, 16936, 15929]),
    ("8ce65bba400c5009", "71115d325368e0c3", [16713, 15782, 16911, 16130]),
    ("fa9e5bb2660aba4c", "358f6f25469a8aae", [16755, 15757, 17021, 16003]),
    ("833f6ae34a28ed77", "1e527dabe090bf0d", [16694, 15844, 16971, 16027]),
    ("2368f75c4f3d2d58", "d5aa8d75cd8756b8", [16681, 15799, 17038, 16018]),
    ("bcc654e39d9b28d2", "c946891a803cae50", [16699, 15847, 17013, 15977]),
]
REFERENCE_STATES = "25d5c0c4d6ccc0aa"
FIRST_LABELS = [3, 3, 0, 3, 2, 1, 0, 3, 3, 1, 3, 2, 1, 2, 3, 3, 2, 0, 1, 2]
# The first test sample of R = 4, D = 5 in view 2; sums of products may differ between processors.
FIRST_TEST_SAMPLE = [-1.442898, 0.2115828, -1.2431439, 1.2602669, -1.5428356, -1.1492856]
FIRST_TEST_SAMPLE += [-1.237882, -1.694204, -0.703486, 0.4166811, 0.5792983, -1.6362638]


@pytest.mark.parametrize("redundancy", range(9))
def test_reference_is_the_published_data(redundancy):
    data = synthetic_data(PAPER, redundancy, 10)
    labels, rows, counts = REFERENCE[redundancy]
    assert np.bincount(data.labels).tolist() == counts
    assert digest(data.labels) == labels
    assert digest(data.states_1, data.states_2) == REFERENCE_STATES
    assert digest(*(data.splits[part] for part in ("train", "valid", "test"))) == rows
    assert [len(data.splits[part]) for part in ("train", "valid", "test")] == [45875, 9830, 9831]


def test_first_labels_and_first_test_sample_are_the_published_ones():
    data = synthetic_data(PAPER, 4, 5)
    assert data.labels[:20].tolist() == FIRST_LABELS
    first = data.view(2)[data.splits["test"][0]]
    np.testing.assert_allclose(first, FIRST_TEST_SAMPLE, rtol=0, atol=1e-4)


def test_view_1_shows_the_bits_standardised_over_the_training_samples():
    data = synthetic_data(SMALL, 3, 2)
    shown = data.view(1)
    bits = (data.states_1[:, None] >> np.arange(11, -1, -1)) & 1
    assert ((shown > 0) == bits).all()
    train = shown[data.splits["train"]]
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-5)


def test_views_share_the_shared_bits_and_nothing_else():
    data = synthetic_data(PAPER, 4, 0)
    assert (data.states_1 >> 4 == data.states_2 >> 4).all()
    own = np.bincount((data.states_1 & 15) * 16 + (data.states_2 & 15), minlength=256)
    assert own.min() > 150


def test_states_stand_for_what_a_view_shows():
    data = synthetic_data(SMALL, 4, 3)
    for view in (1, 2):
        assert (data.view(view) == data.table(view)[data.states(view)]).all()
        assert data.view(view).dtype == np.float32


@pytest.mark.parametrize("task", ["paper", "balanced"])
def test_paired_labels_and_split_are_the_same_for_every_redundancy_and_depth(task):
    settings = replace(SMALL, task=task, split="paired")
    first, *others = (synthetic_data(settings, r, d) for r, d in ((0, 0), (4, 7), (8, 10)))
    for other in others:
        assert (other.labels == first.labels).all()
        assert (other.states_2 != first.states_2).any()
        for part, rows in first.splits.items():
            assert (other.splits[part] == rows).all()


@pytest.mark.parametrize("split", ["reference", "paired"])
def test_splits_part_the_rows_and_keep_the_share_of_every_class(split):
    data = synthetic_data(replace(PAPER, split=split), 5, 4)
    rows = np.concatenate(list(data.splits.values()))
    assert (np.sort(rows) == np.arange(len(data))).all()
    share = np.bincount(data.labels) / len(data)
    for part in data.splits.values():
        counts = np.bincount(data.labels[part])
        assert np.abs(counts - share * len(part)).max() <= 1.5


def test_reference_splits_differ_between_depths():
    one, other = (synthetic_data(SMALL, 4, depth).splits["test"] for depth in (1, 2))
    assert (one != other).any()


@pytest.mark.parametrize("seed", range(12))
def test_splits_are_scikit_learns(seed):
    generator = np.random.RandomState(seed)
    labels = generator.choice(generator.randint(2, 6), generator.randint(64, 400))
    ours, theirs = np.random.RandomState(seed), np.random.RandomState(seed)
    found = _stratified_split(labels, ours)
    rows = np.arange(len(labels))
    train, rest = train_test_split(rows, test_size=0.3, stratify=labels, random_state=theirs)
    valid, test = train_test_split(rest, test_size=0.5, stratify=labels[rest], random_state=theirs)
    for part, expected in (("train", train), ("valid", valid), ("test", test)):
        assert (found[part] == expected).all()
    assert ours.random_sample() == theirs.random_sample()


def frequencies(settings: SyntheticSettings, redundancy: int) -> tuple[np.ndarray, np.ndarray]:
    """Share of each label in the samples, and the expected share."""
    from mmalign.data.synthetic import ground_truth

    labels = synthetic_data(settings, redundancy, 0).labels
    expected = ground_truth(settings, redundancy, pid=False).classes
    return np.bincount(labels, minlength=settings.classes) / len(labels), np.array(expected)


@pytest.mark.parametrize("task", ["paper", "balanced"])
@pytest.mark.parametrize("split", ["reference", "paired"])
def test_labels_are_as_frequent_as_they_should_be(task, split):
    found, expected = frequencies(SyntheticSettings(task=task, split=split), 3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=4 * 0.5 / 256)


@pytest.mark.parametrize("transform", ["depth", "width"])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_transforms_keep_all_states_apart(transform, activation):
    settings = replace(SMALL, transform=transform, activation=activation)
    for depth in (0, 3, 10):
        table = synthetic_data(settings, 4, depth).table(2)
        assert len(np.unique(table, axis=0)) == 4096


def test_every_choice_of_transform_makes_another_view():
    choices = [{}, {"transform": "width"}, {"activation": "sigmoid"}, {"transforms_seed": 7}]
    choices += [{"reconditioned": True}, {"transformed_views": "both"}]
    seen = {synthetic_data(replace(SMALL, **c), 4, 3).table(2).tobytes() for c in choices}
    assert len(seen) == len(choices)


def test_both_views_can_be_transformed_each_by_its_own_network():
    one, two = view_tables(replace(SMALL, transformed_views="both"), 3)
    plain, _ = view_tables(SMALL, 3)
    assert set(np.unique(plain)) == {0, 1}
    assert not np.isclose(one, two).any(axis=1).all()
    assert len(np.unique(one, axis=0)) == 4096


@pytest.mark.parametrize("depth", [0, 5, 10])
def test_reconditioned_states_are_white_and_apart(depth):
    table = view_tables(replace(SMALL, reconditioned=True), depth)[1].astype(np.float64)
    np.testing.assert_allclose(np.cov(table.T, bias=True), np.eye(12), atol=1e-5)
    assert len(np.unique(table, axis=0)) == 4096


def test_deep_transforms_are_ill_conditioned_unless_reconditioned():
    eigenvalues = np.linalg.eigvalsh(np.cov(view_tables(SMALL, 10)[1].astype(np.float64).T))
    assert eigenvalues[0] < 1e-9 * eigenvalues[-1]


def test_random_generators_of_the_caller_are_left_alone():
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    synthetic_data(replace(SMALL, transforms_seed=99), 2, 1)
    assert (torch.rand(3) == expected).all()


PROGRAM = """
import hashlib
from mmalign.data.synthetic import SyntheticSettings, synthetic_data
for choice in ({}, {"reconditioned": True}, {"transform": "width"}):
    data = synthetic_data(SyntheticSettings(samples=2000, **choice), 4, 9)
    parts = [data.labels, *data.tables, *data.splits.values()]
    print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    printed = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
        printed.append(subprocess.check_output([sys.executable, "-c", PROGRAM], text=True))
    assert printed[0] == printed[1]


def test_what_is_returned_cannot_be_changed():
    data = synthetic_data(SMALL, 4, 1)
    for array in (data.labels, data.states_1, data.table(1), data.table(2), data.splits["train"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_temperatures_of_the_published_levels():
    assert temperature_at_level(0) == 0.05
    assert temperature_at_level(9) == pytest.approx(0.05 * np.exp(2))


def test_settings_survive_json():
    settings = SyntheticSettings(task="balanced", split="paired", reconditioned=True)
    assert SyntheticSettings(**asdict(settings)) == settings
    assert len({settings, SyntheticSettings(**asdict(settings))}) == 1


WRONG = [
    ({"task": "xor"}, 'task must be "paper" or "balanced", got \'xor\''),
    ({"split": "random"}, 'split must be "reference" or "paired"'),
    ({"activation": "relu"}, 'activation must be "tanh" or "sigmoid"'),
    ({"transformed_views": "1"}, 'transformed_views must be "2" or "both"'),
    ({"samples": 10}, r"samples must be a whole number in 64 \.\. 4194304, got 10"),
    ({"shared_bits": 7}, r"task_bits must be at most shared_bits \(7\)"),
    ({"unique_bits": 3}, r"twice unique_bits \(6\), for R = 0; got 8"),
    ({"classes": 1}, r"classes must be a whole number in 2 \.\. 8"),
    ({"temperature": 0.0}, r"temperature must be in 0\.001 \.\. 1000, got 0\.0"),
    ({"temperature": float("nan")}, "temperature must be in"),
    ({"weights_seed": -1}, "weights_seed must be a whole number"),
    ({"features_seed": True}, "features_seed must be a whole number"),
    ({"reconditioned": 1}, "reconditioned must be True or False, got 1"),
    ({"task": "balanced", "classes": 3}, "balanced task has 4 classes"),
    ({"task": "balanced", "task_bits": 7}, "an even number of task_bits; got 4 and 7"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        SyntheticSettings(**change)


def test_a_feature_that_never_changes_is_refused():
    table = np.arange(8.0).reshape(4, 2)
    with pytest.raises(UserError, match="the same in all training samples"):
        _standardised(table, np.array([2, 2, 2]), np.float32)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(UserError, match=r"redundancy must be a whole number in 0 \.\. 8, got 9"):
        synthetic_data(SMALL, 9, 1)
    with pytest.raises(UserError, match=r"transform_depth must be a whole number in 0 \.\. 10"):
        synthetic_data(SMALL, 4, 11)
    with pytest.raises(UserError, match=r"view must be a whole number in 1 \.\. 2, got 0"):
        synthetic_data(SMALL, 4, 1).view(0)
    with pytest.raises(UserError, match=r"level must be a whole number in 0 \.\. 9"):
        temperature_at_level(10)
