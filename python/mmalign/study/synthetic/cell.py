"""What one result of the synthetic study is made from; its hash names its file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from mmkernels.mlp_ensemble import Network

from ...data.synthetic import SyntheticSettings
from ..cell import Hashed, canonical_json

#: In place of a transform depth where the data of a view do not depend on it.
UNTRANSFORMED = -1


@dataclass(frozen=True)
class TrainingCell(Hashed):
    """Train the encoders of one view, of every depth, on one draw of the data.

    settings, redundancy, transform_depth: the data; see :mod:`mmalign.data.synthetic`.
    depths:  one network each, of ``width`` units a layer.
    seed:    of weights and batches, together with view and transform depth.
    """

    kind: ClassVar[str] = "ensemble"

    settings: SyntheticSettings
    redundancy: int
    transform_depth: int
    view: int
    depths: tuple[int, ...]
    seed: int
    epochs: int
    learning_rate: float
    weight_decay: float
    width: int = 12
    slope: float = 0.1
    batch_size: int = 512
    clip: float = 8.0

    __hash__ = Hashed.__hash__

    def networks(self, data: int) -> list[Network]:
        """The networks of this cell; ``data`` says which of the data sets of a call is theirs."""
        return [
            Network(
                depth=depth,
                width=self.width,
                activation="leaky_relu",
                slope=self.slope,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                epochs=self.epochs,
                seed=_stream("weights", self.seed, self.view, self.transform_depth, depth),
                order=_stream("order", self.seed, self.view, self.transform_depth),
                data=data,
            )
            for depth in self.depths
        ]

    def __str__(self) -> str:
        return (
            f"encoders of view {self.view} at redundancy {self.redundancy}, transform depth "
            f"{self.transform_depth}, seed {self.seed}"
        )


@dataclass(frozen=True)
class MetricRequest:
    """A metric with its options, and whether its best layer pair is held against a null."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    calibrated: bool = False

    @property
    def key(self) -> str:
        """Names the metric's arrays in a measurement's file."""
        return f"{self.name} {canonical_json(dict(self.options))}"

    def __hash__(self) -> int:
        return hash((self.key, self.calibrated))

    def describe(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class MeasurementCell(Hashed):
    """Measure how alike encoders of the two views are, every layer with every layer.

    encoders_1, encoders_2: hashes of the training cells.
    depths_1:    the encoders of view 1 that are compared, by depth; of view 2, all are.
    samples:     how many of the first test samples are used.
    metrics:     names of :func:`mmkernels.measures` with their options.
    permutations: of the samples, shared by all layers, for the null of the best layer pair; of
                 metrics that ask for it by ``calibrated``.
    """

    kind: ClassVar[str] = "measurement"

    settings: SyntheticSettings
    redundancy: int
    transform_depth: int
    seed: int
    encoders_1: str
    encoders_2: str
    depths_1: tuple[int, ...]
    depths_2: tuple[int, ...]
    samples: int
    metrics: tuple[MetricRequest, ...]
    permutations: int

    __hash__ = Hashed.__hash__


def _stream(*parts: str | int) -> int:
    """A seed that differs wherever a part does."""
    digest = hashlib.sha256(canonical_json(list(parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
