"""Samples seen in several views at once, with labels and fixed splits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import UserError

SPLITS = ("train", "valid", "test")
TASKS = ("classification", "regression")


@dataclass(frozen=True)
class PairedDataset:
    """Several views of the same n samples; row i of every view is sample i.

    views:    name -> (n, ...) array, at least one feature axis, finite when floating.
    labels:   (n,) int64, in 0 .. n_classes - 1; in a regression (n,) float64, finite.
    splits:   "train", "valid" and "test" -> (m,) int64 row numbers, sorted, disjoint, train and
              test not empty.
    n_classes: of a classification; 1 in a regression.
    task:     "classification" or "regression".
    padding:  optional, name of a view -> (n, tokens) bool, True where a token is padding.
    fingerprint: names the contents; :func:`fingerprint` computes it.

    Raises UserError, naming the field, when the parts do not fit together.
    """

    name: str
    views: dict[str, np.ndarray]
    labels: np.ndarray
    splits: dict[str, np.ndarray]
    n_classes: int
    fingerprint: str
    padding: dict[str, np.ndarray] = field(default_factory=dict)
    task: str = "classification"

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise UserError(f"task must be one of {', '.join(TASKS)}, got {self.task!r}.")
        check = _check_labels if self.task == "classification" else _check_targets
        check(self.name, self.labels, self.n_classes)
        _check_views(self.name, self.views, len(self.labels))
        _check_splits(self.name, self.splits, len(self.labels))
        _check_padding(self.name, self.padding, self.views)
        if not self.fingerprint:
            raise UserError(f"The dataset {self.name!r} has an empty fingerprint.")

    def __len__(self) -> int:
        return len(self.labels)


def paired_dataset(
    name: str,
    views: dict[str, np.ndarray],
    labels: np.ndarray,
    splits: dict[str, np.ndarray],
    n_classes: int,
    padding: dict[str, np.ndarray] | None = None,
    task: str = "classification",
) -> PairedDataset:
    """Make a :class:`PairedDataset` with the fingerprint of its contents."""
    padding = padding or {}
    found = fingerprint(views, labels, splits, padding)
    return PairedDataset(name, views, labels, splits, n_classes, found, padding, task)


def fingerprint(
    views: Mapping[str, np.ndarray],
    labels: np.ndarray,
    splits: Mapping[str, np.ndarray],
    padding: Mapping[str, np.ndarray] | None = None,
) -> str:
    """Return the sha256, in hex, of names, shapes, dtypes and values of a dataset's arrays.

    The order of the dictionaries, memory layout and byte order of the machine leave it unchanged.
    One pass over the data; an array that is not C-contiguous is copied.
    """
    digest = hashlib.sha256()
    groups = {"views": views, "labels": {"": labels}, "splits": splits, "padding": padding or {}}
    for group, arrays in groups.items():
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(f"{group}/{name}:{little.dtype.str}:{array.shape}\n".encode())
            digest.update(memoryview(little).cast("B") if little.size else b"")
    return digest.hexdigest()


def standardize(dataset: PairedDataset, views: Iterable[str] = ("audio",)) -> PairedDataset:
    """Give every coefficient of the named views mean 0 and standard deviation 1 on the train split.

    A coefficient is an index of axis 1; its mean and deviation are taken in float64 over the
    training samples and all later axes (for MFCC: over all frames). A coefficient that is constant
    on the train split becomes 0. Other views are passed on untouched. The result has its own
    fingerprint.
    """
    standardized = dict(dataset.views)
    train = dataset.splits["train"]
    for view in views:
        if view not in dataset.views:
            raise UserError(
                f"The dataset {dataset.name!r} has no view {view!r} to standardise; it has "
                f"{', '.join(sorted(dataset.views))}."
            )
        array = dataset.views[view]
        axes = (0, *range(2, array.ndim))
        known = array[train]
        mean = known.mean(axis=axes, keepdims=True, dtype=np.float64)
        deviation = known.std(axis=axes, keepdims=True, dtype=np.float64)
        # The mean of equal numbers is not always that number, so a deviation of rounding size
        # does not tell a constant; its range does.
        constant = known.max(axis=axes, keepdims=True) == known.min(axis=axes, keepdims=True)
        scale = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))
        standardized[view] = ((array - mean) * scale).astype(np.float32)
    return replace(
        dataset,
        views=standardized,
        fingerprint=fingerprint(standardized, dataset.labels, dataset.splits, dataset.padding),
    )


def _check_labels(name: str, labels: np.ndarray, n_classes: int) -> None:
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.dtype != np.int64:
        raise UserError(
            f"labels of {name!r} must be a one-dimensional int64 array, got {_describe(labels)}."
        )
    if len(labels) == 0:
        raise UserError(f"The dataset {name!r} has no samples.")
    if labels.min() < 0 or labels.max() >= n_classes:
        raise UserError(
            f"labels of {name!r} must lie in 0 .. {n_classes - 1} (n_classes={n_classes}), got "
            f"values from {labels.min()} to {labels.max()}."
        )


def _check_targets(name: str, labels: np.ndarray, n_classes: int) -> None:
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.dtype != np.float64:
        raise UserError(
            f"labels of the regression {name!r} must be a one-dimensional float64 array, got "
            f"{_describe(labels)}."
        )
    if len(labels) == 0:
        raise UserError(f"The dataset {name!r} has no samples.")
    if n_classes != 1:
        raise UserError(f"n_classes of the regression {name!r} must be 1, got {n_classes!r}.")
    bad = first_non_finite_row(labels[:, None])
    if bad is not None:
        raise UserError(f"labels of {name!r} have NaN or infinity in row {bad}.")


def _check_views(name: str, views: dict[str, np.ndarray], n: int) -> None:
    if not views:
        raise UserError(f"The dataset {name!r} has no views.")
    for view, array in views.items():
        if not isinstance(array, np.ndarray) or array.ndim < 2 or len(array) != n:
            raise UserError(
                f"The view {view!r} of {name!r} must be an array of {n} samples (one per label) "
                f"with at least one feature axis, got {_describe(array)}."
            )
        if array.dtype.kind not in "fiu":
            raise UserError(
                f"The view {view!r} of {name!r} must hold real numbers, got {_describe(array)}."
            )
        if array.dtype.kind == "f":
            bad = first_non_finite_row(array)
            if bad is not None:
                raise UserError(f"The view {view!r} of {name!r} has NaN or infinity in row {bad}.")


def _check_splits(name: str, splits: dict[str, np.ndarray], n: int) -> None:
    if set(splits) != set(SPLITS):
        raise UserError(
            f"splits of {name!r} must be exactly {', '.join(SPLITS)}, got "
            f"{', '.join(sorted(splits)) or 'none'}."
        )
    for split, rows in splits.items():
        if not isinstance(rows, np.ndarray) or rows.ndim != 1 or rows.dtype != np.int64:
            raise UserError(
                f"The split {split!r} of {name!r} must be a one-dimensional int64 array, got "
                f"{_describe(rows)}."
            )
        if len(rows) == 0 and split != "valid":
            raise UserError(f"The split {split!r} of {name!r} is empty.")
        if len(rows) and (rows[0] < 0 or rows[-1] >= n or (np.diff(rows) <= 0).any()):
            raise UserError(
                f"The split {split!r} of {name!r} must hold increasing row numbers in 0 .. {n - 1}."
            )
    owners = np.zeros(n, dtype=np.int64)
    for rows in splits.values():
        owners[rows] += 1
    if owners.max() > 1:
        raise UserError(f"splits of {name!r} share row {int(np.argmax(owners > 1))}.")


def _check_padding(name: str, padding: dict[str, np.ndarray], views: dict[str, np.ndarray]) -> None:
    for view, mask in padding.items():
        if view not in views:
            raise UserError(f"padding of {name!r} names {view!r}, which is not among its views.")
        wanted = views[view].shape[:2]
        if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != wanted:
            raise UserError(
                f"padding of the view {view!r} of {name!r} must be a bool array of shape {wanted}, "
                f"got {_describe(mask)}."
            )


def first_non_finite_row(array: np.ndarray) -> int | None:
    """Return the first index of axis 0 that holds NaN or infinity, or None."""
    # The extremes are NaN or infinite exactly when some value is: no mask of the array's size.
    if array.size == 0 or (np.isfinite(array.min()) and np.isfinite(array.max())):
        return None
    finite_rows = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    return int(np.argmin(finite_rows))


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return type(value).__name__
