"""What one result of a study is made from; its hash names the file the result is kept in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from ..encoders.checks import check_depth
from ..errors import UserError
from ..training import TrainingSettings

SCHEMA = 1


def canonical_json(content: Any) -> str:
    """Write JSON with sorted keys, no spaces and ASCII only: equal content, equal bytes."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


class Hashed:
    """A frozen description; the schema version and the kind of cell go into its hash."""

    kind: ClassVar[str]

    def describe(self) -> dict[str, Any]:
        """Return the cell as plain JSON content; :func:`cell_from_json` is the inverse."""
        return {"schema": SCHEMA, "kind": self.kind, **asdict(self)}

    @cached_property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the sha256 of the canonical JSON."""
        return hashlib.sha256(canonical_json(self.describe()).encode()).hexdigest()[:16]

    def __hash__(self) -> int:
        return int(self.hash, 16)


@dataclass(frozen=True)
class EncoderCell(Hashed):
    """Train one encoder on one view and keep what it makes of the test split.

    dataset: fingerprint of the data exactly as trained on.
    encoder: a name of :data:`mmalign.encoders.ENCODERS`; ``options`` are its keyword arguments.
    The other fields are those of :class:`mmalign.training.TrainingSettings`.
    """

    kind: ClassVar[str] = "encoder"

    dataset: str
    dataset_name: str
    view: str
    encoder: str
    depth: int
    seed: int
    epochs: int
    learning_rate: float
    weight_decay: float = 0.0
    batch_size: int = 64
    clip: float = 8.0
    options: Mapping[str, Any] = field(default_factory=dict)

    __hash__ = Hashed.__hash__

    def __post_init__(self) -> None:
        # 0 and 0.0 describe the same training and must not differ in the hash.
        for name in ("learning_rate", "weight_decay", "clip"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "options", dict(self.options))
        check_depth(self.depth)
        self.settings  # noqa: B018 - raises where a value is not allowed

    @property
    def settings(self) -> TrainingSettings:
        return TrainingSettings(
            self.epochs, self.learning_rate, self.weight_decay, self.batch_size, self.clip
        )

    @property
    def stream(self) -> int:
        """Seed of this cell's random numbers, from its seed, view, encoder and depth alone.

        Cells that differ in hyper-parameters or data only start from the same weights and see
        the same batch order, so that they can be compared in pairs.
        """
        parts = canonical_json([self.seed, self.view, self.encoder, self.depth])
        return int.from_bytes(hashlib.sha256(parts.encode()).digest()[:8], "big") >> 1

    def __str__(self) -> str:
        return f"{self.view} {self.encoder} of depth {self.depth}, seed {self.seed}"


@dataclass(frozen=True)
class AlignmentCell(Hashed):
    """Measure how alike two encoders' representations are, every layer with every layer.

    encoder_a, encoder_b: hashes of the two encoder cells.
    metric, options:      see :data:`mmalign.study.metrics.METRICS` and
                          :mod:`mmalign.study.preparation`.
    split:                encoders keep their representations of the test split only.
    """

    kind: ClassVar[str] = "alignment"

    encoder_a: str
    encoder_b: str
    metric: str
    options: Mapping[str, Any] = field(default_factory=dict)
    split: str = "test"

    __hash__ = Hashed.__hash__

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", dict(self.options))


Cell = EncoderCell | AlignmentCell


def cell_from_json(content: Mapping[str, Any]) -> Cell:
    """Make the cell that :meth:`describe` wrote; raises UserError for anything else."""
    fields = dict(content)
    schema, kind = fields.pop("schema", None), fields.pop("kind", None)
    if schema != SCHEMA:
        raise UserError(
            f"A cell was written with schema {schema!r}; this version of mmalign reads {SCHEMA}."
        )
    classes = {cls.kind: cls for cls in (EncoderCell, AlignmentCell)}
    try:
        return classes[kind](**fields)
    except (KeyError, TypeError) as error:
        raise UserError(f"A cell of kind {kind!r} cannot be read: {error}.") from None
