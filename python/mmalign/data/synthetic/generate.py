"""The data of one redundancy and one transform depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import UserError
from .draw import draw_samples, view_states
from .settings import MAX_TRANSFORM_DEPTH, SyntheticSettings, check_whole_number
from .transforms import view_tables


@dataclass(frozen=True)
class SyntheticData:
    """Samples of two views and a label. Arrays are read only.

    states_1, states_2: (n,) int64, the state of each sample in each view: its bits as one number,
                the first the highest, shared ones before the view's own.
    labels:     (n,) int64 in 0 .. classes - 1.
    splits:     "train", "valid", "test" -> row numbers, disjoint, in random order; the reference
                mode keeps the published order.
    tables:     what view 1 and view 2 show of each state, (2^view_bits, view_bits) float32, every
                feature with mean 0 and standard deviation 1 over the training samples.
    """

    settings: SyntheticSettings
    redundancy: int
    transform_depth: int
    states_1: np.ndarray
    states_2: np.ndarray
    labels: np.ndarray
    splits: dict[str, np.ndarray]
    tables: tuple[np.ndarray, np.ndarray]

    def __len__(self) -> int:
        return len(self.labels)

    def states(self, view: int) -> np.ndarray:
        """Return the states of view 1 or 2: (n,) int64."""
        check_whole_number("view", view, 1, 2)
        return self.states_1 if view == 1 else self.states_2

    def table(self, view: int) -> np.ndarray:
        """Return what view 1 or 2 shows of each state: (2^view_bits, view_bits) float32."""
        check_whole_number("view", view, 1, 2)
        return self.tables[view - 1]

    def view(self, view: int) -> np.ndarray:
        """Return view 1 or 2 of every sample: (n, view_bits) float32, a copy."""
        return self.table(view)[self.states(view)]


def synthetic_data(
    settings: SyntheticSettings, redundancy: int, transform_depth: int
) -> SyntheticData:
    """Make the data at a redundancy (0 .. task_bits) and a transform depth (0 .. 10).

    Equal arguments give equal bits. Samples and transforms are kept and shared between calls, so
    the whole published grid takes about a second. Raises UserError for numbers out of range, and
    where a feature is the same in all training samples, as it can be of very few.

    >>> data = synthetic_data(SyntheticSettings(samples=1000), redundancy=4, transform_depth=2)
    >>> data.view(1).shape, data.table(2).shape, len(data.splits["test"])
    ((1000, 12), (4096, 12), 150)
    """
    check_whole_number("transform_depth", transform_depth, 0, MAX_TRANSFORM_DEPTH)
    draw = draw_samples(settings, redundancy)
    split = draw.split(transform_depth)
    states = view_states(settings, draw.worlds)
    # The published loader sums in float32, row after row, and moves the flat features of a deep
    # transform by up to an eighth of their standard deviation.
    precision = np.float32 if settings.split == "reference" else np.float64
    tables = tuple(
        _standardised(table, of_view[split["train"]], precision)
        for table, of_view in zip(view_tables(settings, transform_depth), states, strict=True)
    )
    return SyntheticData(
        settings, redundancy, transform_depth, *states, draw.labels, dict(split), tables
    )


def _standardised(table: np.ndarray, train_states: np.ndarray, precision: type) -> np.ndarray:
    train = table[train_states]
    mean = train.mean(axis=0, dtype=np.promote_types(precision, table.dtype))
    std = np.sqrt(np.square(train - mean).mean(axis=0))
    # Not std == 0: the mean of equal numbers may differ from them by rounding.
    if (train.min(axis=0) == train.max(axis=0)).any():
        raise UserError(
            "A feature of a view is the same in all training samples and cannot be standardised; "
            "choose more samples."
        )
    result = ((table - mean) / std).astype(np.float32)
    result.setflags(write=False)
    return result
