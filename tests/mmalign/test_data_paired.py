from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mmalign.data.paired import PairedDataset, fingerprint, paired_dataset, standardize
from mmalign.errors import UserError


def parts(n: int = 12) -> dict:
    generator = np.random.default_rng(0)
    return {
        "name": "toy",
        "views": {
            "image": generator.random((n, 4, 4), dtype=np.float32),
            "audio": generator.normal(5, 3, (n, 3, 6)).astype(np.float32),
        },
        "labels": np.arange(n) % 3,
        "splits": {
            "train": np.arange(0, 6),
            "valid": np.arange(6, 8),
            "test": np.arange(8, n),
        },
        "n_classes": 3,
    }


def changed(**changes) -> dict:
    return {**parts(), **changes}


def test_length_and_fingerprint():
    dataset = paired_dataset(**parts())
    assert len(dataset) == 12
    assert len(dataset.fingerprint) == 64
    assert dataset.fingerprint == paired_dataset(**parts()).fingerprint


def test_fingerprint_ignores_layout_and_order_of_names():
    content = parts()
    expected = fingerprint(content["views"], content["labels"], content["splits"])
    views = dict(reversed(content["views"].items()))
    views["audio"] = np.asfortranarray(views["audio"]).astype(">f4")
    assert fingerprint(views, content["labels"], content["splits"], {}) == expected


@pytest.mark.parametrize("what", ["value", "dtype", "shape", "name", "label", "split", "padding"])
def test_fingerprint_follows_content(what):
    content = parts()
    expected = fingerprint(content["views"], content["labels"], content["splits"])
    views, labels, splits = content["views"], content["labels"], content["splits"]
    padding = {}
    if what == "value":
        views["image"][3, 1, 1] += 1
    elif what == "dtype":
        views["image"] = views["image"].astype(np.float64)
    elif what == "shape":
        views["image"] = views["image"].reshape(12, 16)
    elif what == "name":
        views["picture"] = views.pop("image")
    elif what == "label":
        labels[0] = 2
    elif what == "split":
        splits["valid"] = splits["valid"][:1]
    else:
        padding = {"audio": np.zeros((12, 3), dtype=bool)}
    assert fingerprint(views, labels, splits, padding) != expected


def nan_image() -> dict[str, np.ndarray]:
    views = parts()["views"]
    views["image"][7, 0, 0] = np.inf
    return views


SPLITS = parts()["splits"]
TARGETS = np.linspace(-3, 3, 12)


def test_a_regression_has_real_labels():
    dataset = paired_dataset(**changed(labels=TARGETS, n_classes=1, task="regression"))
    assert dataset.task == "regression"
    assert dataset.labels.dtype == np.float64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "ranking"}, "task must be one of classification, regression, got 'ranking'"),
        ({"task": "regression", "n_classes": 1}, "float64"),
        ({"task": "regression", "labels": TARGETS}, "must be 1, got 3"),
        (
            {"task": "regression", "labels": np.where(TARGETS > 0, np.nan, 0.0), "n_classes": 1},
            "NaN or infinity in row 6",
        ),
        ({"labels": np.zeros(12, dtype=np.int32)}, "int64 array, got int32"),
        ({"labels": [0] * 12}, "got list"),
        ({"labels": np.zeros(0, dtype=np.int64)}, "no samples"),
        ({"labels": np.full(12, 3)}, r"0 \.\. 2 .*from 3 to 3"),
        ({"labels": np.full(12, -1)}, "from -1 to -1"),
        ({"views": {}}, "no views"),
        ({"views": {"image": np.zeros((11, 4))}}, r"'image'.* 12 samples .*shape \(11, 4\)"),
        ({"views": {"image": np.zeros(12)}}, "at least one feature axis"),
        ({"views": {"image": np.zeros((12, 2), dtype=complex)}}, "real numbers, got complex128"),
        ({"views": nan_image()}, "'image' .* NaN or infinity in row 7"),
        ({"splits": {"train": SPLITS["train"]}}, "exactly train, valid, test, got train"),
        ({"splits": {**SPLITS, "test": np.arange(0)}}, "'test' .* is empty"),
        ({"splits": {**SPLITS, "test": np.array([9, 8])}}, "increasing row numbers"),
        ({"splits": {**SPLITS, "test": np.array([8, 8])}}, "increasing row numbers"),
        ({"splits": {**SPLITS, "test": np.array([12])}}, r"0 \.\. 11"),
        ({"splits": {**SPLITS, "test": np.array([-1, 9])}}, r"0 \.\. 11"),
        ({"splits": {**SPLITS, "test": np.array([5, 9])}}, "share row 5"),
        ({"splits": {**SPLITS, "test": np.array([9], dtype=np.int32)}}, "int64 array, got int32"),
        ({"padding": {"text": np.zeros((12, 3), dtype=bool)}}, "not among its views"),
        ({"padding": {"audio": np.zeros((12, 4), dtype=bool)}}, r"shape \(12, 3\), got bool"),
    ],
)
def test_faults_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        paired_dataset(**changed(**changes))


def test_empty_fingerprint_is_refused():
    with pytest.raises(UserError, match="empty fingerprint"):
        PairedDataset(**parts(), fingerprint="")


def test_validation_may_be_empty():
    splits = {**SPLITS, "valid": np.arange(0)}
    assert len(paired_dataset(**changed(splits=splits)).splits["valid"]) == 0


def test_standardize_uses_the_train_split_alone():
    dataset = paired_dataset(**parts())
    standardized = standardize(dataset)
    train = standardized.views["audio"][dataset.splits["train"]]
    np.testing.assert_allclose(train.mean(axis=(0, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(axis=(0, 2)), 1, rtol=1e-6)
    assert standardized.views["audio"].dtype == np.float32
    assert standardized.views["image"] is dataset.views["image"]
    assert standardized.fingerprint != dataset.fingerprint

    other = parts()
    other["views"]["audio"][dataset.splits["test"]] *= 100
    again = standardize(paired_dataset(**other)).views["audio"]
    np.testing.assert_array_equal(again[dataset.splits["train"]], train)


def test_standardize_makes_a_constant_coefficient_zero():
    content = parts()
    # 0.1 is not a float32: the mean of many of them is not exactly their value.
    content["views"]["audio"][:8, 1] = 0.1
    standardized = standardize(paired_dataset(**content)).views["audio"]
    assert (standardized[:, 1] == 0).all()
    assert np.isfinite(standardized).all()


def test_standardize_names_a_missing_view():
    dataset = paired_dataset(**parts())
    with pytest.raises(UserError, match="no view 'video' to standardise; it has audio, image"):
        standardize(dataset, views=["video"])


def test_dataset_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        paired_dataset(**parts()).name = "other"
